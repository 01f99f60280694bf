"""Who lives in the world: accounts, households, devices, addresses, work and friends."""

from __future__ import annotations

import tomllib
from importlib.resources import files
from math import gcd
from typing import Any

import numpy as np

from trustward.simulate import kernel
from trustward.simulate.draws import Draws, Flags, Ints, mix
from trustward.simulate.habits import clients
from trustward.simulate.spool import DAY, HOUR
from trustward.simulate.tables import Vocabulary

Columns = dict[str, Any]
"""Values by field name: a column each, or one value for all rows."""

_WORKDAY = [12, 7, 4, 3, 3, 5, 14, 30, 42, 45, 46, 48, 58, 52, 46, 45, 47, 54, 66, 78, 84, 80, 60, 32]
_FREE_DAY = [20, 13, 8, 5, 4, 4, 8, 16, 30, 42, 50, 54, 60, 60, 58, 58, 58, 60, 66, 72, 76, 74, 62, 38]
# Friends on the ring of neighbours: the n-th is this likely.
_NEAR = [40, 26, 18, 13, 10, 8, 7, 6, 5, 4, 4, 3, 3, 2, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1]
_MAIL = [
    "mail.example",
    "post.example",
    "letters.test",
    "inbox.example.com",
    "fastmail.example.net",
    "correo.example.org",
]
_THROWAWAY = ["tempbox.example", "tenminute.test", "dropmail.example", "burnbox.invalid"]
_AGENTS = [
    "app-android/7.2",
    "app-android/7.1",
    "app-ios/7.2",
    "app-ios/6.9",
    "web-desktop/2026.1",
    "web-mobile/2026.1",
    "api-client/1.4",
]


def _table(rows: dict[str, Any], key: str) -> Ints:
    return np.array([row[key] for row in rows.values()], dtype=np.int64)


class People:
    """The accounts as columns. Accounts of a country stand together; new ones are appended as they register."""

    def __init__(self, accounts: int, draws: Draws, words: Vocabulary) -> None:
        places = tomllib.loads((files("trustward.simulate") / "data" / "places.toml").read_text(encoding="utf-8"))
        self.languages = [str(row["language"]) for row in places.values()]
        self.offset = _table(places, "offset") * 60_000
        self.price = _table(places, "price")
        self.country_string = np.array([words.string(code) for code in places], dtype=np.int64)
        self.currency_string = np.array([words.string(row["currency"]) for row in places.values()], dtype=np.int64)
        self.phone_string = np.array([words.string(row["phone"]) for row in places.values()], dtype=np.int64)
        self.language_string = np.array([words.string(name) for name in self.languages], dtype=np.int64)
        self.mail_string = words.pool(_MAIL)
        self.throwaway_string = words.pool(_THROWAWAY)
        self.agent_string = words.pool(_AGENTS)
        self.share = _table(places, "share")
        self.residents = accounts
        """Accounts that exist at the start; only these act by their own rhythm."""
        self._settle(accounts, draws)
        self._weigh(accounts, draws)

    def _settle(self, accounts: int, draws: Draws) -> None:
        """Give each resident a country and a household."""
        spare = accounts - 4 * len(self.share)
        sizes = 4 + spare * self.share // int(self.share.sum())
        sizes[0] += accounts - int(sizes.sum())
        self.sizes: Ints = sizes
        self.first: Ints = np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(np.int64)
        homes = 1 + draws.choose(accounts, [30, 25, 20, 15, 7, 3])
        # Two rows: the country's place, and the household.
        self._lives: Ints = np.stack(
            [
                np.repeat(np.arange(len(sizes), dtype=np.int64), sizes),
                np.repeat(np.arange(accounts, dtype=np.int64), homes)[:accounts],
            ]
        )
        self.count = accounts
        # A second circle of friends: neighbours again, after a shuffle by multiplication.
        self._stride = np.array([_coprime(int(n)) for n in sizes], dtype=np.int64)
        self._back = np.array(
            [pow(int(s), -1, int(n)) for s, n in zip(self._stride, sizes, strict=True)], dtype=np.int64
        )

    def _weigh(self, accounts: int, draws: Draws) -> None:
        """How active each resident is: a heavy tail (u to the power of -3/4), and a quarter nearly dormant."""
        root = np.sqrt(draws.unit(accounts) + 1e-4)
        weight = (20.0 / (root * np.sqrt(root))).astype(np.int64)
        weight = np.minimum(weight, 1_500)
        weight = np.where(draws.chance(accounts, 0.25), 1 + weight // 12, weight)
        self._weight_edges: Ints = np.cumsum(weight)
        ends = self._weight_edges[self.first + self.sizes - 1]
        self._mass_first: Ints = np.concatenate([[0], ends[:-1]]).astype(np.int64)
        self._mass: Ints = ends - self._mass_first

    # --- columns, of residents and newcomers ---

    def country(self, accounts: Ints) -> Ints:
        """The country's place for each account."""
        countries: Ints = self._lives[0, accounts]
        return countries

    def home(self, accounts: Ints) -> Ints:
        """The household's number for each account."""
        homes: Ints = self._lives[1, accounts]
        return homes

    def enrol(self, countries: Ints) -> Ints:
        """Add accounts of these countries; their numbers."""
        n = len(countries)
        need = self.count + n
        room = self._lives.shape[1]
        if need > room:
            more = max(need - room, room // 4 + 1_000)
            self._lives = np.concatenate([self._lives, np.zeros((2, more), dtype=np.int64)], axis=1)
        numbers: Ints = np.arange(self.count, need, dtype=np.int64)
        self._lives[0, numbers] = countries
        self._lives[1, numbers] = numbers
        self.count = need
        return numbers

    # --- the day ---

    def rhythm(self, hour_start: int) -> Ints:
        """How busy the hour that begins then is in each country; 40 or so is the mean of a day."""
        local = hour_start + self.offset
        hour = local // HOUR % 24
        free = (local // DAY + 3) % 7 >= 5
        return np.where(free, np.array(_FREE_DAY)[hour], np.array(_WORKDAY)[hour])

    def active(self, n: int, rhythm: Ints, draws: Draws) -> Ints:
        """``n`` residents, each as likely as it is active and its country awake."""
        country = draws.choose(n, (self.sizes * rhythm).tolist())
        place = self._mass_first[country] + draws.below(n, self._mass[country])
        return np.searchsorted(self._weight_edges, place, side="right").astype(np.int64)

    def anybody(self, n: int, countries: Ints, draws: Draws) -> Ints:
        """``n`` residents of these countries, all equally likely."""
        return self.first[countries] + draws.below(n, self.sizes[countries])

    def friend(self, accounts: Ints, draws: Draws) -> Ints:
        """A friend of each account. Friendship is mutual: whoever is drawn here may draw back."""
        n = len(accounts)
        country = self.country(accounts)
        size, first = self.sizes[country], self.first[country]
        step = 1 + draws.choose(n, _NEAR)
        step = np.where(draws.chance(n, 0.5), step, -step)
        inside = np.where(accounts < self.residents, accounts - first, mix(accounts, 11) % size)
        near = (inside + step) % size
        far = (inside * self._stride[country] + step) % size * self._back[country] % size
        other = np.where(draws.chance(n, 0.6), near, far)
        other = np.where(other == inside, (other + 1) % size, other)
        friends: Ints = first + other
        return friends

    # --- what a person uses ---

    def client(self, accounts: Ints, times: Ints, draws: Draws) -> Columns:
        """Device, address and country of each act."""
        n = len(accounts)
        out = np.empty((3, n), dtype=np.int64)
        clients(
            np.ascontiguousarray(accounts),
            np.ascontiguousarray(times),
            draws.below(2 * n, 1_000),
            self._lives,
            self.offset,
            self.sizes,
            self.residents // 50 + 1,
            out,
        )
        return {"device": out[0], "ip": out[1], "country": self.country_string[out[2]]}

    def office(self, accounts: Ints) -> Ints:
        """The workplace of each account, as ``habits`` has it."""
        offices: Ints = mix(accounts, 16) % (self.residents // 50 + 1) * 8 + self.country(accounts)
        return offices

    def agent(self, devices: Ints) -> Ints:
        """The client program on each device."""
        first, count = self.agent_string
        return first + mix(devices, 17) % (count - 1)

    def phone(self, accounts: Ints, which: int = 0) -> Ints:
        """A telephone of each account, the first or another."""
        number = (accounts * 7_919 + which * 49_999_957 + 1_234_567) % 10**8
        return self.phone_string[self.country(accounts)] * kernel.PHONE_NUMBERS + number

    def email(self, accounts: Ints) -> Ints:
        """Each account's mail address."""
        return accounts * kernel.EMAIL_DOMAINS + self.mail_domain(accounts)

    def mail_domain(self, accounts: Ints) -> Ints:
        """The domain of that address, as a string."""
        first, count = self.mail_string
        return first + mix(accounts, 18) % count

    def card(self, accounts: Ints, which: int | Ints = 0) -> Ints:
        """A card of each account."""
        return accounts * 8 + which

    def wallet(self, accounts: Ints, which: int | Ints = 0) -> Ints:
        """A payment account of each account."""
        return accounts * 8 + which + (1 << 41)

    def chance_of(self, accounts: Ints, salt: int, per_mille: int) -> Flags:
        """A lasting trait that this share of accounts has."""
        flags: Flags = mix(accounts, salt) % 1_000 < per_mille
        return flags


def _coprime(size: int) -> int:
    """A multiplier that shuffles 0..size-1 one to one."""
    stride = max(1, size * 5 // 13)
    while gcd(stride, size) != 1:
        stride += 1
    return stride
