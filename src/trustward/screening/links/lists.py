"""Lists of links: exact hosts, domains with all that is below them, and beginnings of paths."""

from __future__ import annotations

from collections.abc import Iterable

from trustward.screening.links.normal import Link, normalise

_LONGEST = 130
"""Labels of a host that are looked at: no host has more."""


class LinkList:
    """A list of links, matched in their plain form; the target of a redirect is matched too.

    An entry is a line: ``example.org`` (the domain and all below it), ``=example.org`` (this host only, ``www.``
    aside), ``example.org/path`` (what begins so, on this host and below it). Defanged entries are understood; empty
    lines and those that begin with ``#`` are passed over, and so are those that hold no host.

    >>> LinkList(["bad.example", "shop.example/sale"]).matches("hxxp://www.bad[.]example/x")
    'bad.example'
    """

    def __init__(self, lines: Iterable[str]) -> None:
        """``lines``: one entry each."""
        self._domains: set[str] = set()
        self._hosts: set[str] = set()
        self._paths: dict[str, list[str]] = {}
        for line in lines:
            entry = line.partition("#")[0].strip() if line.lstrip().startswith("#") else line.strip()
            only = entry.startswith("=")
            link = normalise(entry.removeprefix("=")) if entry else None
            if link is None:
                continue
            host = link.host.removeprefix("www.")
            if link.rest in ("", "/"):
                (self._hosts if only else self._domains).add(host)
            else:
                self._paths.setdefault(host, []).append(link.rest)

    def __len__(self) -> int:
        """Entries."""
        return len(self._domains) + len(self._hosts) + sum(map(len, self._paths.values()))

    def matches(self, text: str) -> str | None:
        """The entry that a link matches, or None."""
        link = normalise(text)
        while link is not None:
            found = self._match(link)
            if found is not None:
                return found
            link = link.target
        return None

    def _match(self, link: Link) -> str | None:
        host = link.host
        bare = host.removeprefix("www.")
        if bare in self._hosts:
            return f"={bare}"
        for _ in range(_LONGEST):
            if host in self._domains:
                return host
            for path in self._paths.get(host, ()):
                if link.rest.startswith(path):
                    return host + path
            _, _, host = host.partition(".")
            if not host:
                return None
        return None
