"""What of reporters' personal data goes along with evidence: nothing of what they sent, names masked, or all."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Literal

import msgspec

from trustward.base.units import format_time
from trustward.model.dossier import Pair
from trustward.model.report import Report

Mode = Literal["none", "masked", "named"]
_PERSONS = frozenset({"user", "notice"})
"""The channels by which persons report; on the others offices and services do."""


class Masker:
    """Masks reporters, each by the same name wherever it stands. ``open`` are entities that are never masked."""

    def __init__(self, mode: Mode, open: Iterable[Pair] = ()) -> None:
        self.mode = mode
        self._open = {entity for kind, entity in open if kind == "account"}
        self._names: dict[str, str] = {}
        self._pattern: re.Pattern[str] | None = None

    def know(self, report: Report) -> None:
        """From now on what is personal of this report's sender is masked."""
        sender = report.reporter.partition(":")[2]
        if self.mode == "named" or report.channel not in _PERSONS:
            return
        alias = f"reporter-{len(set(self._names.values())) + 1}"
        alias = self._names.get(sender, alias)
        personal = [sender]
        if report.notice is not None:
            personal += [report.notice.name, report.notice.mail]
        for text in personal:
            if text and text not in self._open:
                self._names.setdefault(text, alias)
                self._pattern = None

    def alias(self, sender: str) -> str:
        """What a sender is called."""
        if self.mode == "named" or not sender or sender in self._open:
            return sender
        if sender not in self._names:
            self._names[sender] = f"reporter-{len(set(self._names.values())) + 1}"
            self._pattern = None
        return self._names[sender]

    def text(self, said: str) -> str:
        """A text, with what is personal of known senders masked."""
        if self.mode == "named" or not self._names:
            return said
        if self._pattern is None:
            longest = sorted(self._names, key=lambda name: (-len(name), name))
            self._pattern = re.compile(r"(?<!\w)(?:" + "|".join(map(re.escape, longest)) + r")(?!\w)")
        return self._pattern.sub(lambda match: self._names[match[0]], said)

    def deep(self, value: Any) -> Any:
        """The same of every text in a value."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return {name: self.deep(one) for name, one in value.items()}
        if isinstance(value, (list, tuple)):
            return [self.deep(one) for one in value]
        return value

    def event(self, event: dict[str, Any]) -> dict[str, Any]:
        """An event: only those of reports say who has reported."""
        if self.mode == "named" or not str(event.get("type", "")).startswith("report."):
            return event
        found = dict(event)
        if isinstance(found.get("account"), str):
            found["account"] = self.alias(found["account"])
        if self.mode == "none":
            found.pop("text", None)
        elif isinstance(found.get("text"), str):
            found["text"] = self.text(found["text"])
        return found

    def decision(self, type: str, decision: dict[str, Any]) -> dict[str, Any]:
        """A decision: on a report its rules and actions may name who has reported."""
        if self.mode == "named" or not type.startswith("report."):
            return decision
        return {name: self.deep(value) if name in {"rules", "actions"} else value for name, value in decision.items()}

    def page(self, page: dict[str, Any]) -> dict[str, Any]:
        """A page of a case's file: what people have written may name who has reported."""
        return {name: self.deep(value) if name in {"said", "detail"} else value for name, value in page.items()}

    def report(self, report: Report) -> dict[str, Any]:
        """A report."""
        self.know(report)
        sender = report.reporter.partition(":")[2]
        found: dict[str, Any] = {
            "receipt": report.id,
            "at": format_time(report.at_us),
            "channel": report.channel,
            "reporter": self.alias(sender) if report.channel in _PERSONS else sender,
            "category": report.category,
            "kind": report.kind,
            "entity": report.entity,
            "market": report.market,
            "state": report.state,
            "result": report.result,
        }
        if report.notice is not None:
            notice = msgspec.to_builtins(report.notice)
            found["notice"] = self.deep(notice)
        if self.mode != "none":
            found["text"] = self.text(report.text)
            found["refs"] = [self.text(ref) for ref in report.refs]
        return found
