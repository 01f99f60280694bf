"""HTML and SVG as values: text is always escaped, markup is a type of its own."""

from __future__ import annotations

from html import escape

from trustward.cli.console import plain

_VOID = {"br", "meta", "link", "hr"}


class Markup(str):
    """Text that is markup already, and goes out as it is; everything else is escaped and cut at a sane length.

    Never made from anything that an event, a policy or a file name says.
    """

    __slots__ = ()


Child = Markup | str | float | None


def text(value: object, limit: int = 2_000) -> Markup:
    r"""Any value as text: escaped for elements and attributes, control and direction characters made visible.

    >>> text('<a href="x">\x00')
    '&lt;a href=&quot;x&quot;&gt;\\x00'
    """
    return value if isinstance(value, Markup) else Markup(escape(plain(value, limit)))


def join(*children: Child) -> Markup:
    """Children one after another; None is nothing.

    >>> join("a<b", None, 3)
    'a&lt;b3'
    """
    return Markup("".join(text(child) for child in children if child is not None))


def tag(name: str, /, *children: Child, **attributes: str | float | None) -> Markup:
    """An element. ``class_`` is written ``class``, ``aria_label`` is written ``aria-label``; None leaves one out.

    >>> tag("td", "R&D", class_="num")
    '<td class="num">R&amp;D</td>'
    """
    parts = [
        f' {key.rstrip("_").replace("_", "-")}="{text(value)}"'
        for key, value in attributes.items()
        if value is not None
    ]
    opening = f"<{name}{''.join(parts)}>"
    if name in _VOID:
        return Markup(opening)
    return Markup(f"{opening}{join(*children)}</{name}>")
