"""Who may send orders: authorities, by which channels their orders come, and the keys that they sign with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

import msgspec
from msgspec import Meta


class Channel(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A way to an issuer that somebody has verified: ``address`` is what a person calls or writes to.

    ``key`` is the id of the API key that is the issuer's alone: what comes by it is authentic.
    """

    name: Annotated[str, Meta(pattern="^[A-Za-z0-9_-]{1,40}$")]
    kind: Literal["phone", "mail", "portal", "letter", "api"]
    address: Annotated[str, Meta(max_length=300)] = ""
    key: Annotated[str, Meta(max_length=64)] = ""
    verified: Annotated[str, Meta(max_length=300)] = ""
    """By whom and when it was verified."""


class Issuer(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """An authority. ``public_key`` is an Ed25519 key or a certificate, as PEM; ``bases`` the laws that it may cite."""

    id: Annotated[str, Meta(pattern="^[A-Za-z0-9_.-]{1,64}$")]
    name: Annotated[str, Meta(min_length=1, max_length=200)]
    market: Annotated[str, Meta(max_length=16)] = ""
    channels: tuple[Channel, ...] = ()
    public_key: Annotated[str, Meta(max_length=10_000)] = ""
    source: Annotated[str, Meta(max_length=300)] = ""

    def channel(self, name: str) -> Channel | None:
        """A channel by its name."""
        return next((one for one in self.channels if one.name == name), None)

    def by_key(self, actor: str) -> Channel | None:
        """The channel that an API key stands for.

        >>> one = Issuer(id="p", name="Police", channels=(Channel(name="api", kind="api", key="k1"),))
        >>> (one.by_key("key:k1").name, one.by_key("key:k2"), one.by_key("key:"))
        ('api', None, None)
        """
        return next((one for one in self.channels if one.key and actor == f"key:{one.key}"), None)


def check_issuer(issuer: Issuer, known: Mapping[str, object]) -> None:
    """Raise ValueError for an issuer that cannot be. ``known`` are the issuers before it."""
    if issuer.id in known:
        raise ValueError(f"the issuer {issuer.id} is there twice")
    names = [channel.name for channel in issuer.channels]
    if len(set(names)) < len(names):
        raise ValueError(f"two channels of the issuer {issuer.id} have the same name")
    for channel in issuer.channels:
        if (channel.kind == "api") != bool(channel.key):
            raise ValueError(
                f"the channel {channel.name} of {issuer.id}: an api channel has the id of a key, others none"
            )
        if channel.kind != "api" and not channel.address:
            raise ValueError(f"the channel {channel.name} of {issuer.id} needs an address")
