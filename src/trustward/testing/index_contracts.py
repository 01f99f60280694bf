"""What every adapter of the port ``Index`` must do, as tests."""

from __future__ import annotations

import pytest

from trustward.base.errors import StateError
from trustward.model.indexed import Page, Run
from trustward.ports import Store
from trustward.testing.contracts import Contract, Open


def run(first: int, last: int, *lows: int, level: int = 0) -> tuple[Run, list[Page]]:
    """A run whose pages begin at these postings."""
    pages = [Page(low=low, body=low.to_bytes(8, "little")) for low in lows]
    return Run(first=first, last=last, level=level, pages=len(pages), postings=len(pages)), pages


class IndexContract(Contract):
    """Runs follow each other without gaps; whoever is late does nothing."""

    def test_runs_follow_each_other(self, store: Store, opened: Open) -> None:
        index = store.index
        assert list(index.runs()) == []
        one, two = run(1, 10, 5, 2**62), run(11, 30, 7)
        assert not index.add(*two)
        assert index.add(*one)
        assert not opened().index.add(*one)
        assert not index.add(*run(10, 20, 5))
        assert index.add(*two)
        assert list(opened().index.runs()) == [two[0], one[0]]
        assert index.pages(one[0]) == one[1]

    def test_pages_below_a_posting(self, store: Store) -> None:
        held, pages = run(1, 10, 5, 9, 2**62)
        store.index.add(held, pages)
        for below, wanted in ((5, None), (6, 0), (9, 0), (10, 1), (2**62, 1), (2**62 + 1, 2), (2**63 - 1, 2)):
            assert store.index.page(held, below) == (None if wanted is None else pages[wanted]), below

    def test_pages_of_many_runs_at_once(self, store: Store) -> None:
        index = store.index
        made = [run(1, 10, 5, 9), run(11, 20), run(21, 30, 7, 2**62)]
        for one in made:
            assert index.add(*one)
        asked = [(made[2][0], 2**62), (made[0][0], 10), (made[1][0], 2**62), (made[0][0], 5), (made[2][0], 2**63 - 1)]
        assert list(index.tops(asked)) == [index.page(*one) for one in asked]
        assert index.tops(asked)[0] == made[2][1][0]
        assert list(index.tops([])) == []
        assert index.add(*run(1, 20, 5, 9, level=1), [made[0][0], made[1][0]])
        with pytest.raises(StateError, match="merged"):
            index.tops(asked)

    def test_some_runs_become_one(self, store: Store, opened: Open) -> None:
        index = store.index
        olds = [run(1, 10, 5, 8), run(11, 20, 6), run(21, 30, 7)]
        for old in olds:
            assert index.add(*old)
        merged = run(1, 20, 5, 6, level=1)
        assert index.add(*merged, [olds[0][0], olds[1][0]])
        assert not opened().index.add(*merged, [olds[0][0], olds[1][0]])
        assert list(index.runs()) == [olds[2][0], merged[0]]
        assert index.pages(merged[0]) == merged[1]
        for old in olds[:2]:
            with pytest.raises(StateError, match="merged"):
                index.page(old[0], 2**62)
            with pytest.raises(StateError, match="merged"):
                index.pages(old[0])
        assert index.page(olds[2][0], 8) == olds[2][1][0]

    def test_an_empty_run(self, store: Store) -> None:
        held, pages = run(1, 10)
        assert store.index.add(held, pages)
        assert store.index.page(held, 2**62) is None
        assert list(store.index.pages(held)) == []

    def test_begun_anew(self, store: Store, opened: Open) -> None:
        store.index.add(*run(1, 10, 5))
        store.index.clear()
        assert list(opened().index.runs()) == []
        again = run(1, 5, 4)
        assert store.index.add(*again)
        assert store.index.pages(again[0]) == again[1]


CONTRACTS = (IndexContract,)
