"""Cases and reports for a terminal: whom they are about stays behind a mask, and what people wrote is only measured."""

from __future__ import annotations

from typing import Any

import msgspec

from trustward.exchange.case_view import CasePageView, CaseView, DecidedView, ReportView

_PLAIN = frozenset({"queue", "verdict", "policy", "into", "of", "reports", "undone"})
"""What in a page's detail names nobody."""
_SHORT = 4


def masked(name: str) -> str:
    """A name with its middle hidden: enough to tell two apart, not to know one.

    >>> masked("kim@example.org"), masked("a17"), masked("user:u4711"), masked("")
    ('k…@example.org', '…', 'user:u4…1', '')
    """
    channel, colon, rest = name.partition(":")
    if colon and channel.isalpha():
        return f"{channel}:{masked(rest)}"
    before, at, domain = name.rpartition("@")
    if at and before and domain:
        return f"{before[0]}…@{domain}"
    if len(name) <= _SHORT:
        return "…" if name else ""
    return f"{name[:2]}…{name[-1]}"


def measured(text: str) -> str:
    """How long what somebody wrote is.

    >>> measured("call me on 555"), measured("")
    ('(14 characters)', '')
    """
    return f"({len(text):,} characters)" if text else ""


def masked_case(view: CaseView) -> CaseView:
    """A case without names."""
    return msgspec.structs.replace(
        view,
        entity=masked(view.entity),
        entities=tuple((kind, masked(entity)) for kind, entity in view.entities),
        proposed=tuple(map(_outcome, view.proposed)),
        decided=None if view.decided is None else _outcome(view.decided),
        reversed=None if view.reversed is None else _outcome(view.reversed),
    )


def _outcome(view: DecidedView) -> DecidedView:
    measures = tuple(
        msgspec.structs.replace(one, entity=masked(one.entity), note=measured(one.note))
        for one in view.outcome.measures
    )
    struck = tuple((kind, masked(entity)) for kind, entity in view.outcome.struck)
    outcome = msgspec.structs.replace(
        view.outcome, reasons=measured(view.outcome.reasons), measures=measures, struck=struck
    )
    return msgspec.structs.replace(view, outcome=outcome)


def masked_page(view: CasePageView) -> CasePageView:
    """A page of a case's file without names and words."""
    detail: dict[str, Any] = {name: value for name, value in view.detail.items() if name in _PLAIN}
    return msgspec.structs.replace(view, said=measured(view.said), detail=detail)


def masked_report(view: ReportView) -> ReportView:
    """A report without names and words."""
    notice = view.notice
    if notice is not None:
        notice = msgspec.structs.replace(
            notice, place=masked(notice.place), name=masked(notice.name), mail=masked(notice.mail)
        )
    return msgspec.structs.replace(
        view,
        reporter=masked(view.reporter),
        entity=masked(view.entity),
        text=measured(view.text),
        refs=tuple(map(masked, view.refs)),
        notice=notice,
    )
