"""The state of one synthetic world: people, words, shops, groups, streams, and what is still to happen."""

from __future__ import annotations

from typing import Any

import numpy as np

from trustward.model.catalogue import load_catalogue
from trustward.simulate.draws import Draws, Flags, Ints, mix
from trustward.simulate.kernel import NOTHING
from trustward.simulate.layout import layouts
from trustward.simulate.people import Columns, People
from trustward.simulate.spool import HOUR, Spool, Values
from trustward.simulate.tables import Vocabulary
from trustward.simulate.texts import Texts

LISTINGS_EACH = 4_096
"""Room for the listings of one shop; a listing's number is its shop's place times this, and its own place."""
CAMPAIGN_LISTINGS = 700_000_000


class World:
    """Everything that the acts of a world share. Times are milliseconds since 1970, UTC."""

    def __init__(self, accounts: int, start: int, end: int, seed: int, truths: tuple[str, ...]) -> None:
        self.draws = Draws(seed)
        self.start, self.end = start, end
        shapes = layouts(load_catalogue())
        self.types = tuple(shapes)
        self.words = Vocabulary(shapes, truths)
        self.spool = Spool(shapes, start, end)
        self.people = People(accounts, self.draws.child("people"), self.words)
        self.texts = Texts(self.people.languages, self.words)
        self._next: dict[str, int] = {}
        draws = self.draws.child("roles")
        everybody = draws.below(accounts, 1 << 30)
        order = np.argsort(everybody, kind="stable").astype(np.int64)
        self.shops = self._role(order, 0, min(accounts // 50, 100_000), 8)
        """Accounts that sell; the earlier, the busier."""
        self.desks = self._role(order, 1, accounts // 1_500, 1)
        """Customer-service accounts."""
        self.letters = self._role(order, 2, accounts // 3_000, 1)
        """Accounts that send newsletters."""
        self.streamers = self._role(order, 3, accounts // 800, 2)
        self.admins = self._role(order, 4, accounts // 200, 2)
        """Accounts that run large groups."""

    def _role(self, order: Ints, which: int, count: int, least: int) -> Ints:
        # Slices of one shuffle of all accounts: no one has two roles.
        parts = 8
        begin = len(order) * which // parts
        return order[begin : begin + min(max(count, least), max(1, len(order) // parts))]

    def add(self, type: str, times: Ints, columns: Values, *, truth: int = 0) -> None:
        """Let events happen. ``columns`` are the values by field name; a name is left out where there is none.

        A text that does not show a link has none, whatever ``urls`` says.
        """
        texts = columns.get("text")
        if "urls" in columns and isinstance(texts, np.ndarray) and len(texts):
            shows = self.words.shows_link(texts.astype(np.int64))
            masked = {name: np.where(shows, columns[name], NOTHING) for name in ("urls", "domains") if name in columns}
            columns = {**columns, **masked}
        self.spool.add(type, times, truth, columns)

    def string(self, text: str) -> int:
        """The number of a text value."""
        return self.words.string(text)

    def strings(self, *texts: str) -> Ints:
        """The numbers of text values, to be indexed."""
        return np.array([self.words.string(text) for text in texts], dtype=np.int64)

    def take(self, kind: str, n: int) -> Ints:
        """New numbers for ``n`` entities of a kind."""
        first = self._next.get(kind, 1)
        self._next[kind] = first + n
        return np.arange(first, first + n, dtype=np.int64)

    def language(self, accounts: Ints) -> Ints:
        """The language of each account, as strings."""
        return self.people.language_string[self.people.country(accounts)]

    def currency(self, accounts: Ints) -> Ints:
        """The currency of each account, as strings."""
        return self.people.currency_string[self.people.country(accounts)]

    def amount(self, accounts: Ints, draws: Draws, *, scale: int = 4) -> Ints:
        """Amounts in minor units with a long tail: about ``scale`` lunches in the account's country."""
        lunch = self.people.price[self.people.country(accounts)]
        u = draws.unit(len(accounts))
        amounts = (lunch * scale * (0.15 + u * u / (1.0 - 0.96 * u))).astype(np.int64)
        # Most prices are round.
        step = np.maximum(1, lunch // 20)
        return np.where(draws.chance(len(accounts), 0.7), (amounts // step + 1) * step, amounts + 1)

    def shop(self, n: int, draws: Draws) -> Ints:
        """Places of ``n`` shops; the busiest are drawn far more often."""
        u = draws.unit(n)
        return (u * u * u * len(self.shops)).astype(np.int64)

    def merchant(self, sellers: Ints) -> Ints:
        """The business behind each seller, or nothing where it is a person."""
        return np.where(mix(sellers, 32) % 100 < 40, sellers, NOTHING)

    def listing(self, shops: Ints, draws: Draws) -> Ints:
        """A listing of each shop (given by its place)."""
        kinds = 3 + mix(shops, 31) % 60
        u = draws.unit(len(shops))
        return shops * LISTINGS_EACH + (u * u * kinds).astype(np.int64)

    def group(self, accounts: Ints, draws: Draws) -> tuple[Ints, Ints]:
        """A group of each account, and how many members it has: family, friends, a club, or a large channel."""
        n = len(accounts)
        level = draws.choose(n, [45, 30, 17, 8])
        home = self.people.home(accounts)
        country = self.people.country(accounts)
        circle = 30_000_000 + accounts // 14
        club = 40_000_000 + mix(accounts // 9, 41) % (self.people.residents // 90 + 1)
        large = 50_000_000 + country * 4_096 + mix(accounts, 42) % (1 + self.people.sizes[country] // 1_500)
        groups = np.choose(level, [home, circle, club, large])
        members = np.choose(
            level, [np.full(n, 4), 8 + mix(groups, 43) % 10, 40 + mix(groups, 43) % 90, 200 + mix(groups, 43) % 4_000]
        )
        return groups, members

    def talk(
        self, times: Ints, first: Ints, second: Ints, lengths: Ints, draws: Draws
    ) -> tuple[Ints, Ints, Ints, Ints, Ints]:
        """Turn conversations into messages: conversation, place in it, time, writer and reader of each message."""
        which = np.repeat(np.arange(len(lengths), dtype=np.int64), lengths)
        begins = np.cumsum(lengths) - lengths
        place = np.arange(len(which), dtype=np.int64) - begins[which]
        gaps = np.where(place == 0, 0, 2_000 + draws.waits(len(which), 45_000))
        passed = np.cumsum(gaps)
        at = times[which] + passed - passed[begins][which]
        turns = np.cumsum((place > 0) & draws.chance(len(which), 0.7))
        answers = (turns - turns[begins][which]) % 2 == 1
        writer = np.where(answers, second[which], first[which])
        reader = np.where(answers, first[which], second[which])
        return which, place, at, writer, reader

    def client(self, accounts: Ints, times: Ints, draws: Draws) -> Columns:
        """Device, address, country and a new session of each act."""
        columns = self.people.client(accounts, times, draws)
        columns["session"] = self.take("session", len(accounts))
        return columns


class Scene:
    """One hour of honest life, as the acts see it."""

    def __init__(self, world: World, hour: int) -> None:
        self.world = world
        self.start = world.start + hour * HOUR
        self.people = world.people
        self.texts = world.texts
        self.rhythm = world.people.rhythm(self.start)
        self.later = world.people.rhythm(self.start + HOUR)
        self._draws = world.draws
        self.hour = hour
        # Of a day's acts, the share that falls into this hour (the mean rhythm of a day is about 39.6).
        self.share = float((world.people.sizes * self.rhythm).sum()) / (39.6 * 24)

    def draws(self, name: str) -> Draws:
        """The draws of one act in this hour."""
        return self._draws.child("hour", self.hour, name)

    def actors(self, per_day: float, draws: Draws) -> tuple[Ints, Ints]:
        """Who acts and when, for an act that happens ``per_day`` times for each account and day."""
        n = draws.around(per_day * self.share)
        accounts = self.people.active(n, self.rhythm, draws)
        return accounts, self.times(accounts, draws)

    def among(self, members: Ints, per_day: float, draws: Draws) -> tuple[Ints, Ints]:
        """The same among members of a role, equally likely."""
        n = draws.around(per_day * self.share * len(members) / self.people.residents)
        accounts = members[draws.below(n, len(members))]
        awake = self.rhythm[self.people.country(accounts)]
        accounts = accounts[draws.below(n, 90) < awake + 20]
        return accounts, self.times(accounts, draws)

    def times(self, accounts: Ints, draws: Draws) -> Ints:
        """A moment of the hour for each account; its density runs straight from this rhythm to the next."""
        country = self.people.country(accounts)
        now = self.rhythm[country].astype(np.float64)
        then = self.later[country].astype(np.float64)
        u = draws.unit(len(accounts))
        slope = then - now
        # The mean density over the hour is (now + then) / 2; where it is flat the formula would divide by zero.
        flat = slope == 0
        slope = np.where(flat, 1.0, slope)
        x = (np.sqrt(now * now + u * (then * then - now * now)) - now) / slope
        part = np.where(flat, u, x)
        return self.start + np.clip((part * HOUR).astype(np.int64), 0, HOUR - 1)


def pick(columns: Values, which: Ints | Flags) -> dict[str, Any]:
    """The rows of columns that ``which`` names, in its order (or with its true flags); single values stay."""
    return {name: values[which] if isinstance(values, np.ndarray) else values for name, values in columns.items()}
