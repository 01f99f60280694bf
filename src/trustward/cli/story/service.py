"""A service of one's own for the story: started as anybody would, spoken to over HTTP alone."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event, Thread
from typing import Any

import httpx
import msgspec

from trustward.base.clock import elapsed_s
from trustward.base.errors import UsageError
from trustward.settings import PREFIX

_WAIT_S = 30.0
_REST = Event()


class Desk:
    """Somebody with a key at a running service; ``person`` is who sits there."""

    def __init__(self, http: httpx.Client, key: str, person: str = "") -> None:
        self._http = http
        self._headers = {"Authorization": f"Bearer {key}", **({"Trustward-Person": person} if person else {})}

    def ask(self, method: str, path: str, body: Any = None, *, content: bytes | None = None, **params: Any) -> Any:
        """What the service answers; None for an empty answer. Raises UsageError for a refusal."""
        answer = self.answer(method, path, body, content=content, **params)
        if answer.is_error:
            raise UsageError(
                f"the story failed at {method} {path}: {answer.status_code} {answer.text[:500]}",
                remedy="what the service has logged says more",
            )
        return msgspec.json.decode(answer.content) if answer.content else None

    def answer(
        self, method: str, path: str, body: Any = None, *, content: bytes | None = None, **params: Any
    ) -> httpx.Response:
        """The same, whole: also a refusal that is expected."""
        sent = content if content is not None else (None if body is None else msgspec.json.encode(body))
        kind = "application/x-ndjson" if content is not None else "application/json"
        headers = {**self._headers, "Content-Type": kind}
        return self._http.request(method, path, content=sent, params=params, headers=headers)

    def get(self, path: str, **params: Any) -> Any:
        """``GET``, decoded."""
        return self.ask("GET", path, **params)

    def post(self, path: str, body: Any = None, **params: Any) -> Any:
        """``POST``, decoded."""
        return self.ask("POST", path, body, **params)

    def until(self, path: str, enough: Any, **params: Any) -> Any:
        """Ask again until the answer is enough. Raises UsageError after half a minute."""
        began = elapsed_s()
        while True:
            found = self.get(path, **params)
            if enough(found):
                return found
            if elapsed_s() - began > _WAIT_S:
                raise UsageError(f"the story waits in vain at {path}", remedy="is a worker running?")
            _REST.wait(0.05)


@contextmanager
def serving(data: Path, told: Mapping[str, str]) -> Iterator[str]:
    """The service over a folder, on a free port of this machine: its address. Ended in good order, then or at a fault.

    Raises UsageError with its last words if it does not start.
    """
    settings = {**os.environ, **{f"{PREFIX}{name}": value for name, value in told.items()}}
    settings |= {f"{PREFIX}DATA": str(data), f"{PREFIX}HOST": "127.0.0.1", f"{PREFIX}PORT": "0"}
    log = data.parent / "service.log"
    # Its link for the first user would lead nowhere once the story is told.
    with subprocess.Popen(
        [sys.executable, "-m", "trustward.api"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env=settings,
    ) as process:
        assert process.stderr is not None
        lines: list[str] = []
        port = 0
        try:
            for line in process.stderr:
                lines.append(line)
                with suppress(msgspec.DecodeError):
                    said = msgspec.json.decode(line)
                    port = said.get("port", port)
                    if said.get("message") == "ready":
                        break
            else:
                raise UsageError(
                    f"the service did not start: {''.join(lines)[-500:]}", remedy="trustward serve says the same"
                )
            reader = Thread(target=lambda: lines.extend(process.stderr or ()), daemon=True)
            reader.start()
            yield f"http://127.0.0.1:{port}"
            process.terminate()
            process.wait(_WAIT_S)
            reader.join(_WAIT_S)
        finally:
            process.kill()
            log.write_text("".join(lines), encoding="utf-8")
