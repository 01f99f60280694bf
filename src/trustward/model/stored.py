"""What is kept beside the journal: the present state of labels and lists, policies, keys, and who did what."""

from __future__ import annotations

from typing import Literal

import msgspec


class LabelMark(msgspec.Struct, frozen=True, kw_only=True):
    """A person's word on a label, as it stands. ``seq`` is the journal's entry that said so."""

    kind: str
    entity: str
    label: str
    present: bool
    expires_us: int | None
    actor: str
    origin: str
    reason: str
    at_us: int
    seq: int


class ListEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A value that was put on a list, or (``present`` False) taken off although the policy has it."""

    list: str
    value: str
    present: bool
    expires_us: int | None
    actor: str
    origin: str
    reason: str
    at_us: int
    seq: int


class Snooze(msgspec.Struct, frozen=True, kw_only=True):
    """A rule that is silenced for one entity."""

    rule: str
    kind: str
    entity: str
    until_us: int
    actor: str
    origin: str
    reason: str
    at_us: int
    seq: int


class StoredPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """A policy's sources, pairs of name and text, by the hash of them all, and what it is used for now."""

    hash: str
    name: str
    sources: tuple[tuple[str, str], ...]
    mode: Literal["live", "shadow", "off"] = "off"
    actor: str = ""
    at_us: int = 0


class ApiKey(msgspec.Struct, frozen=True, kw_only=True):
    """A key by its id and the hash of its secret. The secret itself is shown once and kept nowhere."""

    id: str
    name: str
    hash: bytes
    scopes: tuple[str, ...]
    created_us: int
    expires_us: int | None = None
    revoked_us: int | None = None
    actor: str = ""

    def usable(self, now_us: int) -> bool:
        """Whether it is neither revoked nor expired.

        >>> key = ApiKey(id="k", name="", hash=b"", scopes=(), created_us=0, expires_us=5)
        >>> key.usable(4), key.usable(5)
        (True, False)
        """
        ended = [at for at in (self.expires_us, self.revoked_us) if at is not None]
        return all(now_us < at for at in ended)


class AuditRow(msgspec.Struct, frozen=True, kw_only=True):
    """Who did what to what. ``detail`` is JSON; ``seq`` the journal's entry, where there is one.

    What is ``secret`` lies in a book of its own, with numbers of its own.
    """

    at_us: int
    actor: str
    action: str
    subject: str
    detail: bytes = b"{}"
    seq: int | None = None
    number: int = 0
    secret: bool = False


class AuditQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Which rows of the audit are wanted; what is empty does not matter. Times are microseconds.

    ``action`` is one action, or what stands before its dot: ``key`` is every action on keys. ``secret``: rows about
    what an order keeps secret are wanted too. ``hidden``: the book of those is wanted, and not the open one.
    """

    actor: str = ""
    action: str = ""
    subject: str = ""
    from_us: int = -(2**62)
    to_us: int = 2**62
    secret: bool = False
    hidden: bool = False

    def fits(self, row: AuditRow) -> bool:
        """Whether a row is wanted, secrets aside.

        >>> row = AuditRow(at_us=5, actor="kim", action="key.created", subject="key:k1")
        >>> AuditQuery(action="key").fits(row), AuditQuery(action="ke").fits(row), AuditQuery(to_us=5).fits(row)
        (True, False, False)
        """
        return (
            self.actor in ("", row.actor)
            and (self.action in ("", row.action) or row.action.startswith(f"{self.action}."))
            and self.subject in ("", row.subject)
            and self.from_us <= row.at_us < self.to_us
        )


class Lease(msgspec.Struct, frozen=True, kw_only=True):
    """The right to write, held by one process. A later ``epoch`` ends all earlier ones."""

    epoch: int
    owner: str


class SnapshotInfo(msgspec.Struct, frozen=True, kw_only=True):
    """A snapshot of the engine's state right after the entry ``seq``, and the policy that was live."""

    seq: int
    policy: str
    at_us: int


def rotated(id: str, key: ApiKey, until_us: int) -> AuditRow:
    """What the audit says of a key that takes another one's place."""
    detail = msgspec.json.encode({"instead_of": id, "until_us": until_us, "scopes": key.scopes})
    return AuditRow(at_us=key.created_us, actor=key.actor, action="key.rotated", subject=f"key:{key.id}", detail=detail)
