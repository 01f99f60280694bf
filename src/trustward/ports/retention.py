"""What retention needs from the store: what may not be removed, and ways to remove the rest."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Protocol

from trustward.model.archived import ArchivedDay
from trustward.model.dossier import Pair
from trustward.model.journal import Segment
from trustward.model.retention import Closed, ClosedClass, Done
from trustward.model.stored import AuditRow


class Retained(Protocol):
    """What has been removed because its time was over, and the removing itself."""

    def done(self) -> Sequence[Done]:
        """How far each class of each day has come, in order of the days."""

    def note(self, done: Sequence[Done], audit: Sequence[AuditRow]) -> None:
        """Write down how far some have come, with the lines of the audit: all or nothing."""

    def kept(self, pairs: Collection[Pair]) -> Mapping[Pair, str]:
        """Those of some entities of which nothing may be removed, with why.

        A ``hold`` in force names them, or a ``case``, an ``order``, a ``clue``, a ``request`` or an ``appeal`` that
        is open; ``secret`` if only such ones do as are kept secret.
        """

    def thin(
        self, pairs: Collection[Pair], cut: Callable[[Mapping[Pair, str]], Sequence[tuple[Segment, Segment]]]
    ) -> int:
        """Write segments of the database anew, as ``cut`` gives them: as read, and as they are to be; how many.

        ``cut`` is told what of the entities is kept, as :meth:`kept` says, in the same transaction. The ids of all
        entries up to the last one stay known. A segment that is not as it was read, or not there any more, stays.
        """

    def held(self) -> frozenset[str]:
        """What holds name that are in force, each entity as one text."""

    def replace(self, day: ArchivedDay, held: AbstractSet[str]) -> bool:
        """From now on an archived day is read from the files of this revision.

        Not if by now a hold is in force that names something not among ``held``, as :meth:`held` gave it before the
        files were made, or if the day was replaced already: then it is False, and nothing has changed.
        """

    def closed(self, of: ClosedClass, before_us: int, after: str, limit: int) -> Sequence[Closed]:
        """Records by their ids, after ``after``.

        Of ``cases`` those that are closed or merged, and were opened before a time; of ``appeals`` those that are not
        to be heard any more; of ``bundles`` all.
        """

    def keeps(self, of: ClosedClass, some: Sequence[Closed]) -> Mapping[str, str]:
        """For each id why it is kept, as :meth:`drop` would say; nothing is changed."""

    def drop(
        self,
        of: ClosedClass,
        some: Sequence[Closed],
        note: Callable[[Mapping[str, str]], tuple[Sequence[Done], Sequence[AuditRow]]],
    ) -> Mapping[str, str]:
        """Remove cases with their files, their reports and what was told of them; appeals with theirs; evidence.

        For each id why it is kept, empty for what has been removed: as :meth:`kept` says of what it names, and of who
        reported it; or of a case a ``report`` whose sender is to be told, a ``duty`` or an ``appeal`` that is open, a
        ``letter`` that is on its way; of an appeal a ``measure`` that is still to be taken back. ``changed`` if it is
        not as it was. ``note`` is told, and what it gives is written down in the same transaction.
        """

    def keeps_audit(self, before_us: int) -> dict[str, int]:
        """How many lines of the open audit are older, if a ``hold`` keeps them (``secret``: if all in force are)."""

    def drop_audit(
        self,
        before_us: int,
        limit: int,
        note: Callable[[Mapping[str, int]], tuple[Sequence[Done], Sequence[AuditRow]]],
        *,
        secret: bool = False,
    ) -> int:
        """Remove the oldest lines of the audit, or of its secret book, as far as they are older; how many.

        None while any hold is in force, and none that tells of a change of policy. ``note`` is told how many there are
        of each day, and what it gives is written down in the same transaction.
        """

    def drop_actions(self, seqs: Sequence[int]) -> int:
        """Drop the closed actions of some entries from the outbox, with their receipts; how many there were."""
