"""The one error tree. Every error has a code that is never reused, a cause and a remedy.

| code | class | means |
| --- | --- | --- |
| TW-100 | UsageError | the command or call was used in a way it cannot be |
| TW-200 | PolicyError | a policy has faults; all are carried in ``faults`` |
| TW-300 | InputError | a file or stream of events cannot be read at all |
| TW-310 | RecordError | one record is faulty: ``path`` says where in it |
| TW-320 | MappingError | a mapping file is wrong |
| TW-330 | CatalogueError | an event catalogue file is wrong |
| TW-400 | StateError | a snapshot does not fit or is damaged |
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


class PolicyError(TrustwardError):
    """A policy has faults; ``faults`` holds them all, already rendered with file, line and column."""

    code = "TW-200"

    def __init__(self, message: str, *, faults: Sequence[str] = (), remedy: str = "") -> None:
        super().__init__(message, remedy=remedy)
        self.faults = tuple(faults)


class InputError(TrustwardError):
    """A file or stream of events cannot be read at all."""

    code = "TW-300"


class RecordError(TrustwardError):
    """One record is faulty; ``path`` names the place in it, such as ``$.amount``."""

    code = "TW-310"

    def __init__(self, message: str, *, path: str = "$", remedy: str = "") -> None:
        super().__init__(message, remedy=remedy)
        self.path = path


class MappingError(TrustwardError):
    """A mapping file is wrong."""

    code = "TW-320"


class CatalogueError(TrustwardError):
    """An event catalogue file is wrong."""

    code = "TW-330"


class StateError(TrustwardError):
    """A snapshot does not fit or is damaged."""

    code = "TW-400"
