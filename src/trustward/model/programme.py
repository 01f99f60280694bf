"""Work that an authority has asked for in parts: a rectification notice, an implementation directive, a campaign."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal, get_args

import msgspec
from msgspec import Meta

Kind = Literal["rectification", "implementation", "campaign"]
KINDS: tuple[Kind, ...] = get_args(Kind)
State = Literal["open", "closed", "withdrawn"]
ItemState = Literal["open", "remedied", "attested", "closed"]
"""``remedied``: somebody says that it is done, and shows it. ``attested``: another officer has checked that."""
Stage = Literal["scope", "self_examination", "findings", "correction", "result"]
STAGES: tuple[Stage, ...] = get_args(Stage)
"""The stages of a campaign, in their order."""
MOST_ITEMS = 500
Short = Annotated[str, Meta(min_length=1, max_length=200)]
Text = Annotated[str, Meta(max_length=4_000)]

ITEM_STEPS: Mapping[str, tuple[ItemState, ...]] = {
    "remedy": ("open",),
    "attest": ("remedied",),
    "send_back": ("remedied", "attested"),
    "close": ("attested",),
    "extend": ("open", "remedied"),
}
"""In which states each step of an item can be taken."""


class Shown(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What somebody did, or has checked: in words, and what shows it."""

    actor: str
    at_us: int
    said: str
    refs: tuple[str, ...] = ()


class Item(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A finding, a measure in a stage, or a stage of a campaign, with its clock.

    ``obligation`` is the id of a regime's requirement. ``of`` is the stage that a campaign's finding belongs to.
    """

    number: int
    title: str
    state: ItemState
    obligation: str = ""
    stage: str = ""
    duty: str = ""
    text: str = ""
    remedy: Shown | None = None
    attested: Shown | None = None
    closed: Shown | None = None


class Progress(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A progress report that is owed, or was sent."""

    duty: str
    sent: Shown | None = None


class Programme(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A rectification notice, an implementation directive or a campaign, with its items."""

    id: str
    version: int
    kind: Kind
    state: State
    issuer: str
    reference: str
    basis: str
    title: str
    received_us: int
    market: str = ""
    scope: str = ""
    secret: bool = False
    items: tuple[Item, ...] = ()
    progress: tuple[Progress, ...] = ()
    result: Shown | None = None
    pages: int = 0

    @property
    def known_as(self) -> str:
        """What makes it one, however often it comes. What was withdrawn keeps no reference: it may come once more."""
        if self.state == "withdrawn":
            return f"withdrawn:{self.id}"
        return f"{'secret' if self.secret else 'open'}:{self.kind}:{self.issuer}:{self.reference}"

    @property
    def cause(self) -> str:
        """What duties and letters name."""
        return f"programme:{self.id}"

    def item(self, number: int) -> Item | None:
        """An item by its number."""
        return self.items[number - 1] if 1 <= number <= len(self.items) else None


def blocked_by(programme: Programme, item: Item) -> str:
    """What has to come before an item is remedied: of a campaign the stages before it, with their findings.

    >>> stage = dict(state="open", title="")
    >>> one = Programme(
    ...     id="p",
    ...     version=1,
    ...     kind="campaign",
    ...     state="open",
    ...     issuer="i",
    ...     reference="r",
    ...     basis="b",
    ...     title="t",
    ...     received_us=0,
    ...     items=(Item(number=1, stage="scope", **stage), Item(number=2, stage="findings", **stage)),
    ... )
    >>> blocked_by(one, one.items[0]), blocked_by(one, one.items[1])
    ('', 'scope')
    """
    if programme.kind != "campaign" or not item.stage:
        return ""
    upto = STAGES.index(item.stage) if item.stage in STAGES else 0
    for other in programme.items:
        if other.number == item.number or other.state != "open":
            continue
        if other.stage in STAGES and STAGES.index(other.stage) < upto:
            return other.stage
        if item.stage in {"correction", "result"} and not other.stage:
            return f"the finding {other.number}"
    return ""
