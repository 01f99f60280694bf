"""A service's settings: read once, from the environment and one TOML file, and refused as a whole if one is wrong.

What counts most comes first: what a command was told, ``TRUSTWARD_*`` variables, the file that ``TRUSTWARD_CONFIG``
names, the default. ``docs/settings.md`` is written from this file.
"""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, get_args, get_type_hints

import msgspec
from msgspec import Meta

from trustward.base.errors import SettingsError
from trustward.base.units import parse_duration

PREFIX = "TRUSTWARD_"
"""What the names of environment variables begin with."""
NO_SETTINGS = frozenset({"APPROVE", "BENCH_STARTED", "CONFIG", "DEBUG", "FUZZ", "KILLS"})
"""Variables with the prefix that are no settings: where the file is, and what is for tests and debugging."""


class TargetSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One place that actions go to."""

    name: Annotated[
        str,
        Meta(description="What it is called: letters, digits, `-`, `_`.", pattern="^[A-Za-z0-9_-]{1,64}$"),
    ]
    url: Annotated[str, Meta(description="Where webhooks are posted. Empty: it polls.")] = ""
    secrets: Annotated[
        tuple[str, ...],
        Meta(
            description="What webhooks are signed with: `whsec_` and at least 24 bytes in base64. Several while one is"
            " being replaced."
        ),
    ] = ()
    actions: Annotated[
        tuple[str, ...],
        Meta(description="The actions and letters that it wants, such as `hold` or `submit`. None: all."),
    ] = ()
    lanes: Annotated[
        int,
        Meta(
            description="With 1 everything is in order. With more, what is done to one entity is, and up to so many go"
            " out at a time. Change it when nothing waits.",
            ge=1,
            le=256,
        ),
    ] = 1
    decisions: Annotated[
        bool,
        Meta(description="It also wants every decision that came after its caller's deadline, as a whole."),
    ] = False
    confidential: Annotated[
        bool,
        Meta(
            description="It gets what an order keeps secret, and nothing else. Without such a target that waits for"
            " who polls `confidential`."
        ),
    ] = False


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything that can be set, with its default."""

    data: Annotated[
        str, Meta(description="The folder of everything that is kept: database, snapshots, the writer's lock.")
    ] = "trustward-data"
    database: Annotated[
        str,
        Meta(description="`postgresql://user:password@host/name`. Empty: SQLite in the folder `data`."),
    ] = ""
    archive: Annotated[
        str, Meta(description="The folder of archived days, the same for all processes. Empty: `archive` in `data`.")
    ] = ""
    evidence_key: Annotated[
        str,
        Meta(
            description="A file with the Ed25519 key (PEM) that [evidence](clues.md) is signed with, its owner's alone."
            " Empty: `evidence.key` in `data`, made when it is first needed."
        ),
    ] = ""
    totp_key: Annotated[
        str,
        Meta(
            description="A file with [the key for authenticators](people.md#the-key-for-authenticators): their secrets"
            " are encrypted with it. Its owner's alone, the same on all machines. Empty: `totp.key` in `data`, made"
            " when it is first needed."
        ),
    ] = ""
    evidence_mb: Annotated[int, Meta(description="How large a bundle of evidence may be, in MiB.", ge=1, le=8000)] = 256
    query_memory: Annotated[str, Meta(description="The most memory that `trustward query` takes.")] = "2GB"
    policy: Annotated[
        str,
        Meta(description="The policy of the very first start: a folder with `*.policy` files, or a shipped pack."),
    ] = "starter"
    catalogue: Annotated[
        tuple[str, ...], Meta(description="Files with event types of your own, beside the shipped ones.")
    ] = ()
    skew: Annotated[str, Meta(description="How far ahead of the clock an event may be; beyond, it is refused.")] = "5m"
    commit_events: Annotated[
        int, Meta(description="The most events that are decided and committed together.", ge=1, le=100_000)
    ] = 4096
    queue_events: Annotated[
        int, Meta(description="The most events that wait for their decision; beyond, callers are told to wait.", ge=1)
    ] = 100_000
    snapshot_events: Annotated[
        int, Meta(description="How many events lie between two snapshots: what a restart replays at most.", ge=1)
    ] = 500_000
    snapshot_keep: Annotated[int, Meta(description="How many snapshots are kept.", ge=1, le=100)] = 2
    standby: Annotated[
        bool,
        Meta(description="Wait while another process writes to the same data, and take over when it is gone."),
    ] = False
    targets: Annotated[
        tuple[TargetSettings, ...],
        Meta(description="Where actions go: tables `[[targets]]`, see below. None: to whoever polls `pull`."),
    ] = ()
    sources: Annotated[
        tuple[dict[str, Any], ...],
        Meta(description="Where events come from besides HTTP: tables `[[sources]]`, see [sources.md](sources.md)."),
    ] = ()
    source_events: Annotated[
        int, Meta(description="The most events of a source that are handed to the engine at a time.", ge=1, le=100_000)
    ] = 500
    delivery_timeout: Annotated[
        str, Meta(description="How long a receiver may take to answer, from the first byte sent to the last.")
    ] = "15s"
    delivery_lease: Annotated[
        str, Meta(description="How long a worker has actions to itself; another one takes them when it is gone.")
    ] = "1m"
    delivery_rests: Annotated[
        tuple[str, ...],
        Meta(description="How long to rest between tries; the last one is repeated. Each is spread by a fifth."),
    ] = ("2s", "10s", "1m", "5m", "15m")
    delivery_give_up: Annotated[
        str, Meta(description="An action that still fails at this age is given up, until somebody replays it.")
    ] = "1d"
    delivery_keep: Annotated[
        str, Meta(description="Actions that are closed are dropped from the outbox at this age, with their receipts.")
    ] = "180d"
    delivery_networks: Annotated[
        tuple[str, ...],
        Meta(description="Private networks that webhooks may go to, such as `10.1.0.0/16`. None: public ones only."),
    ] = ()
    traces: Annotated[
        str,
        Meta(
            description="Where traces go: OpenTelemetry over HTTP, such as `http://127.0.0.1:4318/v1/traces`. "
            "Empty: nowhere."
        ),
    ] = ""
    trace_share: Annotated[
        int,
        Meta(description="How many of a hundred requests are traced where the caller does not say.", ge=0, le=100),
    ] = 100
    worker_threads: Annotated[int, Meta(description="How many lanes one worker delivers at a time.", ge=1, le=256)] = 4
    deliver: Annotated[
        bool,
        Meta(description="Whether `trustward serve` runs a worker too. If not, actions wait for `trustward worker`."),
    ] = True

    origin: Annotated[
        str,
        Meta(
            description="Where people reach the console, such as `https://trust.example`: links lead there,"
            " passkeys are bound to it, and no page of another origin may change anything."
            " Empty: links lead to `http://localhost:PORT`, and a page must have the host that it asks.",
            pattern="^(https?://[a-z0-9.-]+(:[0-9]{1,5})?)?$",
        ),
    ] = ""
    proxies: Annotated[
        tuple[str, ...],
        Meta(description="Addresses of proxies in front, whose `X-Forwarded-For` is believed."),
    ] = ("127.0.0.1", "::1")
    session_idle: Annotated[str, Meta(description="A session that is not used for so long ends.")] = "30m"
    session_lasts: Annotated[str, Meta(description="A session ends after so long in any case.")] = "12h"
    link_lasts: Annotated[str, Meta(description="How long an invitation or a reset link may be used.")] = "1d"
    sso_issuer: Annotated[
        str, Meta(description="Single sign-on: the issuer of the OpenID Connect provider, `https://...`. Empty: none.")
    ] = ""
    sso_client: Annotated[str, Meta(description="What the provider knows this service by.")] = ""
    sso_secret: Annotated[str, Meta(description="The secret that goes with it.")] = ""
    sso_scope: Annotated[str, Meta(description="What is asked of the provider.")] = "openid profile email"
    sso_claim: Annotated[str, Meta(description="Which claim of the ID token lists a person's groups.")] = "groups"
    sso_roles: Annotated[
        tuple[str, ...],
        Meta(description="Which group has which role, each `GROUP=ROLE`. No group with a role: no entry."),
    ] = ()
    regimes: Annotated[
        tuple[str, ...], Meta(description="Files with clocks, calendars, terms of retention and the like of your own.")
    ] = ()
    case_lease: Annotated[
        str, Meta(description="How long a reviewer may be silent before somebody else gets the case.")
    ] = "5m"
    case_risk: Annotated[str, Meta(description="What is due within this time comes before everything else.")] = "1d"
    case_exposure: Annotated[
        int,
        Meta(
            description="What a reviewer may have seen (each case weighs its queue's `exposure`) until a break is due;"
            " at twice as much no case is handed out.",
            ge=1,
        ),
    ] = 50
    case_break: Annotated[str, Meta(description="How long a break is.")] = "10m"
    report_hourly: Annotated[
        int, Meta(description="How many reports of one sender count within an hour; more are set aside.", ge=1, le=1000)
    ] = 20
    report_right: Annotated[
        int,
        Meta(
            description="Of a hundred reports of a sender so many must be right; who has fewer is warned, then"
            " suspended. 0: nobody is.",
            ge=0,
            le=100,
        ),
    ] = 25
    report_warn_at: Annotated[int, Meta(description="How many rejected reports it takes for the warning.", ge=1)] = 5
    report_suspend_at: Annotated[
        int, Meta(description="How many rejected reports it takes, after the warning, to be suspended.", ge=1)
    ] = 10
    report_suspension: Annotated[str, Meta(description="How long a sender is suspended.")] = "90d"

    host: Annotated[str, Meta(description="The address that the service listens on.")] = "127.0.0.1"
    port: Annotated[int, Meta(description="The port that it listens on; 0: any free one.", ge=0, le=65_535)] = 8080
    workers: Annotated[
        int,
        Meta(
            description="How many processes speak HTTP in front of the engine's. 0: that one does it itself.",
            ge=0,
            le=64,
        ),
    ] = 0
    event_bytes: Annotated[
        int, Meta(description="The most bytes that one event may have over HTTP.", ge=1_000, le=16_000_000)
    ] = 1_000_000
    import_bytes: Annotated[
        int, Meta(description="The most bytes that a policy or an import of a list may have.", ge=1_000)
    ] = 32_000_000
    key_rate: Annotated[
        int,
        Meta(
            description="How many requests, or events in streams, one API key may send in a second. 0: no limit.", ge=0
        ),
    ] = 0
    connections: Annotated[
        int, Meta(description="The most connections that are open at a time; further ones are closed at once.", ge=1)
    ] = 10_000
    wait_s: Annotated[
        int,
        Meta(
            description="How many seconds a client may take for a request's head, for a small body, between two pieces "
            "of a large one, or idle.",
            ge=1,
            le=3_600,
        ),
    ] = 20
    drain_s: Annotated[
        int, Meta(description="How many seconds requests under way are given when the service is told to end.", ge=0)
    ] = 30

    four_eyes: Annotated[
        bool,
        Meta(
            description="Putting a policy live, or going back to the one before, takes a proposal by one person and "
            "the approval of another."
        ),
    ] = False

    @property
    def skew_us(self) -> int:
        """``skew`` in microseconds."""
        return parse_duration(self.skew)


def load_settings(environment: Mapping[str, str], told: Mapping[str, Any] | None = None) -> Settings:
    """The settings of this environment; ``told`` are options of a command (None: not given).

    Raises SettingsError for a file that cannot be read, an unknown name (with the nearest right one) or a wrong value.

    >>> load_settings({"TRUSTWARD_COMMIT_EVENTS": "500"}, {"data": "here"}).commit_events
    500
    >>> load_settings({"TRUSTWARD_DATABSE": "postgresql://localhost/trustward"})
    Traceback (most recent call last):
    ...
    trustward.base.errors.SettingsError: TW-110: TRUSTWARD_DATABSE: no such setting (did you mean TRUSTWARD_DATABASE?)
    """
    values: dict[str, Any] = {}
    values.update(_from_file(environment.get(f"{PREFIX}CONFIG", "")))
    values.update(_from_environment(environment))
    values.update({name: value for name, value in (told or {}).items() if value is not None})
    _known_in_targets(values.get("targets"))
    try:
        settings = msgspec.convert(values, Settings, str_keys=True)
    except msgspec.ValidationError as fault:
        raise SettingsError(
            f"a setting is wrong: {fault}", remedy="docs/settings.md says what each setting takes"
        ) from fault
    for name in _DURATIONS:
        said = getattr(settings, name)
        try:
            lengths = [parse_duration(text) for text in ((said,) if isinstance(said, str) else said)]
        except ValueError as fault:
            raise SettingsError(f"{name}: {fault}", remedy='write it like "5m"') from fault
        if name != "skew" and (not lengths or min(lengths) <= 0):
            raise SettingsError(f"{name}: must be more than 0", remedy='write it like "5m"')
    return settings


_DURATIONS = (
    "skew",
    "delivery_timeout",
    "delivery_lease",
    "delivery_rests",
    "delivery_give_up",
    "delivery_keep",
    "session_idle",
    "session_lasts",
    "link_lasts",
    "case_lease",
    "case_risk",
    "case_break",
    "report_suspension",
)


def _from_file(name: str) -> dict[str, Any]:
    if not name:
        return {}
    try:
        values = tomllib.loads(Path(name).read_text(encoding="utf-8"))
    except OSError as fault:
        raise SettingsError(
            f"{name}: {fault.strerror or fault}", remedy=f"mend the path in {PREFIX}CONFIG, or unset it"
        ) from fault
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as fault:
        raise SettingsError(f"{name}: not TOML: {fault}", remedy="mend the place that it names") from fault
    for key in values:
        _known(key, f"{name}: {key}", "")
    return values


def _from_environment(environment: Mapping[str, str]) -> Iterator[tuple[str, Any]]:
    kinds = get_type_hints(Settings)
    for variable, text in sorted(environment.items()):
        if not variable.startswith(PREFIX) or variable.removeprefix(PREFIX) in NO_SETTINGS:
            continue
        name = variable.removeprefix(PREFIX).lower()
        _known(name, variable, PREFIX)
        try:
            yield name, _parsed(text, kinds[name])
        except ValueError as fault:
            raise SettingsError(f"{variable}: {fault}", remedy="docs/settings.md says what it takes") from fault


def _parsed(text: str, kind: Any) -> Any:
    if kind is bool:
        said = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}.get(text.lower())
        if said is None:
            raise ValueError(f"expected true or false, got {text[:40]!r}")
        return said
    if kind is int:
        return int(text)
    if get_args(kind) and get_args(kind)[0] is not str:
        try:
            return msgspec.json.decode(text)
        except msgspec.DecodeError as fault:
            raise ValueError("expected JSON: [{...}]") from fault
    if get_args(kind):
        return [part.strip() for part in text.split(",") if part.strip()]
    return text


def _known(name: str, shown: str, prefix: str) -> None:
    names = Settings.__struct_fields__
    if name in names:
        return
    near = get_close_matches(name.lower(), names, 1)
    hint = f"did you mean {prefix}{near[0].upper() if prefix else near[0]}?" if near else "docs/settings.md lists all"
    raise SettingsError(f"{shown}: no such setting", remedy=hint)


def _known_in_targets(targets: Any) -> None:
    names = TargetSettings.__struct_fields__
    for target in targets if isinstance(targets, Sequence) else ():
        for name in target if isinstance(target, dict) else ():
            if name not in names:
                near = get_close_matches(str(name), names, 1)
                raise SettingsError(
                    f"targets: {target.get('name', '?')}: no such setting: {name}",
                    remedy=f"did you mean {near[0]}?" if near else f"one of: {', '.join(names)}",
                )


_HEAD = """\
# Settings

<!-- Written by `make docs` from src/trustward/settings.py; a test fails when this page is out of date. -->

For who runs the service. A setting is a variable of the environment (`TRUSTWARD_DATA`) or a line of one TOML file
(`data = "..."`), which `TRUSTWARD_CONFIG` names. What a command was told counts most, then the environment, then the
file, then the default. An unknown name is refused, with the nearest right one; so is a wrong value. Several values in
one variable are parted by commas; targets and sources are JSON there.

| setting | variable | default | what it says |
| --- | --- | --- | --- |
"""

_TARGETS = """

## Targets

[actions.md](actions.md) says what a target receives.

```toml
[[targets]]
name = "shop"
url = "https://shop.example/trustward"
secrets = ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"]
actions = ["hold", "suspend"]
```

| field | default | what it says |
| --- | --- | --- |
"""


def render() -> str:
    """The page of settings as Markdown."""
    lines = [
        f"| `{name}` | `{PREFIX}{name.upper()}` | {default} | {said} |" for name, default, said in described(Settings)
    ]
    fields = [f"| `{name}` | {default} | {said} |" for name, default, said in described(TargetSettings)]
    return _HEAD + "\n".join(lines) + _TARGETS + "\n".join(fields) + "\n"


def described(kind: type[msgspec.Struct]) -> Iterator[tuple[str, str, str]]:
    """Name, default and meaning of every field."""
    hints = get_type_hints(kind, include_extras=True)
    for field in msgspec.structs.fields(kind):
        meta = next(part for part in get_args(hints[field.name]) if isinstance(part, Meta))
        held = field.default_factory() if callable(field.default_factory) else field.default
        default = "needed" if field.required else f"`{msgspec.json.encode(held).decode()}`"
        yield field.name, default, str(meta.description)


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(render(), encoding="utf-8")
