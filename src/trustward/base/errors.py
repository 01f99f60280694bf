"""The one error tree. Every error has a code that is never reused, a cause and a remedy.

| code | class | means |
| --- | --- | --- |
| TW-100 | UsageError | the command or call was used in a way it cannot be |
| TW-110 | SettingsError | a setting is unknown or wrong |
| TW-200 | PolicyError | a policy has faults; all are carried in ``faults`` |
| TW-210 | PolicyStateError | a policy or a proposal is not in a state in which this can be done to it |
| TW-300 | InputError | a file or stream of events cannot be read at all |
| TW-310 | RecordError | one record is faulty: ``path`` says where in it |
| TW-320 | MappingError | a mapping file is wrong |
| TW-330 | CatalogueError | an event catalogue file is wrong |
| TW-340 | RegimeError | a file of clocks, queues, policies, issuers, authorities or retention is wrong |
| TW-350 | SourceError | a source of events cannot be read, or not be told what is done, for now |
| TW-400 | StateError | a snapshot does not fit or is damaged |
| TW-500 | StoreError | the database cannot be reached, is full, or failed: nothing was acknowledged |
| TW-510 | SchemaError | the database has another schema than this version needs |
| TW-520 | WriterError | another process writes to the same data |
| TW-530 | ConflictError | an event's id is taken by an event with other content |
| TW-531 | TakenError | a name is taken, or a passkey or a person is known already |
| TW-540 | OverloadedError | more events wait than may wait |
| TW-550 | UnavailableError | the service is starting, recovering or stopping |
| TW-560 | NotFoundError | there is nothing by that name |
| TW-570 | ActionError | an action is not in a state in which this can be done to it |
| TW-580 | StepError | a duty, a case, an order or the like is not in a state in which this can be done |
| TW-590 | StaleError | somebody else has changed the same record meanwhile |
| TW-600 | UnauthenticatedError | no usable key or session came with a request |
| TW-601 | SignInError | a name, password, code, passkey or link is not good, or not any more |
| TW-610 | ForbiddenError | the key may not do this |
| TW-611 | OriginError | a request with a cookie does not come from a page of the service |
| TW-620 | RateError | somebody asks for more than may be in a second |
| TW-621 | LockedError | too many attempts to sign in have failed |
| TW-630 | RequestError | a request is not as its route needs it |
| TW-640 | TooLargeError | a body is larger than it may be, or evidence would be |
| TW-650 | FormatError | a body is in a format that the route does not read |
| TW-660 | SlowError | a body does not arrive in time |
| TW-670 | InternalError | a fault in Trustward itself |
| TW-680 | UnreachableError | a client had no answer of the service |
"""

from __future__ import annotations

from collections.abc import Sequence


class TrustwardError(Exception):
    """What went wrong (``message``) and what to do next (``remedy``).

    >>> str(UsageError("no such folder: rules", remedy="name a folder with *.policy files"))
    'TW-100: no such folder: rules (name a folder with *.policy files)'
    """

    code = "TW-000"

    def __init__(self, message: str, *, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        tail = f" ({self.remedy})" if self.remedy else ""
        return f"{self.code}: {self.message}{tail}"


class UsageError(TrustwardError):
    """The command or call was used in a way it cannot be."""

    code = "TW-100"


class SettingsError(TrustwardError):
    """A setting is unknown, or its value is wrong."""

    code = "TW-110"


class PolicyError(TrustwardError):
    """A policy has faults; ``faults`` holds them all, already rendered with file, line and column."""

    code = "TW-200"

    def __init__(self, message: str, *, faults: Sequence[str] = (), remedy: str = "") -> None:
        super().__init__(message, remedy=remedy)
        self.faults = tuple(faults)


class PolicyStateError(TrustwardError):
    """A policy or a proposal is not in a state in which this can be done to it; or another person has to do it."""

    code = "TW-210"


class InputError(TrustwardError):
    """A file or stream of events cannot be read at all."""

    code = "TW-300"


class RecordError(TrustwardError):
    """One record is faulty; ``path`` names the place in it, such as ``$.amount``.

    ``places`` are pairs of path and cause, where several faults are known.
    """

    code = "TW-310"

    def __init__(
        self, message: str, *, path: str = "$", places: Sequence[tuple[str, str]] = (), remedy: str = ""
    ) -> None:
        super().__init__(message, remedy=remedy)
        self.path = path
        self.places = tuple(places)


class MappingError(TrustwardError):
    """A mapping file is wrong."""

    code = "TW-320"


class CatalogueError(TrustwardError):
    """An event catalogue file is wrong."""

    code = "TW-330"


class RegimeError(TrustwardError):
    """A file of clocks, queues, policies, issuers or authorities is wrong, or a clock is unknown."""

    code = "TW-340"


class SourceError(TrustwardError):
    """A source of events cannot be read, or not be told what is done, for now. Nothing is lost: it is tried again."""

    code = "TW-350"


class StateError(TrustwardError):
    """A snapshot does not fit or is damaged."""

    code = "TW-400"


class StoreError(TrustwardError):
    """The database cannot be reached, is full, or failed. Asking again is safe: event ids keep it from doubling."""

    code = "TW-500"


class SchemaError(TrustwardError):
    """The database's schema is older or newer than this version needs."""

    code = "TW-510"


class WriterError(TrustwardError):
    """Another process writes to the same data, or has taken over from this one."""

    code = "TW-520"


class ConflictError(TrustwardError):
    """An event's id is taken by an event with other content; ``ids`` names those that are."""

    code = "TW-530"

    def __init__(self, message: str, *, ids: Sequence[str] = (), remedy: str = "") -> None:
        super().__init__(message, remedy=remedy)
        self.ids = tuple(ids)


class TakenError(TrustwardError):
    """A name is taken, or a passkey or a person is known already."""

    code = "TW-531"


class OverloadedError(TrustwardError):
    """More events wait than may wait. Nothing of the request was taken in."""

    code = "TW-540"


class UnavailableError(TrustwardError):
    """The service is starting, recovering or stopping. Nothing of the request was taken in."""

    code = "TW-550"


class NotFoundError(TrustwardError):
    """There is nothing by that name."""

    code = "TW-560"


class ActionError(TrustwardError):
    """An action is not in a state in which this can be done to it: it cannot be undone, or has ended already."""

    code = "TW-570"


class StepError(TrustwardError):
    """A duty, a case, an order or the like is not in a state in which this can be done to it."""

    code = "TW-580"


class StaleError(TrustwardError):
    """Somebody else has changed the same record meanwhile. Nothing was written; look again."""

    code = "TW-590"


class UnauthenticatedError(TrustwardError):
    """No key and no session came with a request, or one that is unknown or has ended."""

    code = "TW-600"


class SignInError(TrustwardError):
    """A name, password, code, passkey or link is not good, or not any more."""

    code = "TW-601"


class ForbiddenError(TrustwardError):
    """The key or the session is good, but may not do this."""

    code = "TW-610"


class OriginError(ForbiddenError):
    """A request with a cookie does not come from a page of the service, or lacks its token."""

    code = "TW-611"


class RateError(TrustwardError):
    """Somebody asks for more than may be in a second; ``wait_s`` says when to come back."""

    code = "TW-620"

    def __init__(self, message: str, *, wait_s: float = 1.0, remedy: str = "") -> None:
        super().__init__(message, remedy=remedy)
        self.wait_s = wait_s


class LockedError(RateError):
    """Too many attempts to sign in have failed; ``wait_s`` says when to come back."""

    code = "TW-621"


class RequestError(TrustwardError):
    """A request is not as its route needs it: no such route or method, a wrong parameter, a body of another shape."""

    code = "TW-630"


class TooLargeError(TrustwardError):
    """A body is larger than it may be, as it came or unpacked; or evidence would be."""

    code = "TW-640"


class FormatError(TrustwardError):
    """A body is in a format or an encoding that the route does not read."""

    code = "TW-650"


class SlowError(TrustwardError):
    """A body does not arrive in time."""

    code = "TW-660"


class InternalError(TrustwardError):
    """A fault in Trustward itself, not in the request."""

    code = "TW-670"


class UnreachableError(TrustwardError):
    """A client had no answer of the service. Whether a request was carried out is open, unless the message says not."""

    code = "TW-680"
