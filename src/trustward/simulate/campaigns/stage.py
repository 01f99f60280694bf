"""What every campaign shares: its size and time, its accounts, devices and addresses, and the bookkeeping of truth."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import msgspec
import numpy as np

from trustward.base.units import format_time
from trustward.simulate.access import registration
from trustward.simulate.draws import Draws, Ints, mix
from trustward.simulate.kernel import EMAIL_DOMAINS, NOTHING
from trustward.simulate.people import Columns
from trustward.simulate.spool import DAY, HOUR, Values
from trustward.simulate.world import World

EVENTS_A_DAY = 6.0
"""Events for each account and day, about."""
FRAUD = 0.022
"""Share of all events that belong to campaigns, about, in a world that is not tiny."""
_SPARE = (1 << 43, 1 << 44)


class Kind(NamedTuple):
    """One kind of campaign.

    ``share`` is its part of all fraud (parts are relative), ``least`` and ``most`` bound the events of one campaign,
    ``hours`` bounds how long one lasts at a usual pace, and ``run`` lets one happen.
    """

    share: int
    least: int
    most: int
    hours: tuple[int, int]
    run: Callable[[Stage], None]


class Campaign(msgspec.Struct, kw_only=True):
    """One campaign as it was: the ground truth. ``parameters`` are what varies from run to run; times are RFC 3339.

    ``victims`` are accounts of honest people that it used or robbed (at most 1,000 are named).
    """

    id: str
    kind: str
    start: str
    end: str
    first_event: str = ""
    last_event: str = ""
    events: int = 0
    accounts: list[str] = []
    victims: list[str] = []
    parameters: dict[str, int | float | str] = {}


class Planned(NamedTuple):
    """A campaign that is still to come."""

    hour: int
    number: int
    kind: Kind
    size: int
    start: int
    span: int
    draws: Draws
    truth: Campaign

    def begin(self, world: World) -> None:
        """Let it happen: all its events go to the spool."""
        self.kind.run(Stage(world, self))


def plan(world: World, name: str, number: int, kind: Kind, part: float) -> list[Planned]:
    """Campaigns of one kind: how many, when, how large. ``part`` is the kind's part of all fraud, 0 to 1."""
    length = world.end - world.start
    budget = world.people.residents * length / DAY * EVENTS_A_DAY * FRAUD * part
    mean = min(kind.most / 4, max(kind.least, budget / (3 + length / DAY)))
    found = []
    for i in range(max(1, int(budget / mean))):
        draws = world.draws.child("campaign", name, i)
        u = float(draws.unit(1)[0])
        size = int(min(kind.most, max(kind.least, mean * (0.2 + 0.27 * u / (1.02 - u)))))
        low, high = kind.hours
        pace = ("fast", "usual", "slow")[draws.one(0, 2)]
        wish = draws.one(low * 60, high * 60) * 60_000 * {"fast": 1, "usual": 3, "slow": 12}[pace] // 3
        span = max(1_000, min(wish, length * 6 // 10))
        start = world.start + int(float(draws.unit(1)[0]) * (length - span))
        truth = Campaign(
            id=f"{name}-{i + 1}",
            kind=name,
            start=format_time(start * 1_000),
            end=format_time((start + span) * 1_000),
            parameters={"pace": pace, "stealth": draws.one(0, 2)},
        )
        found.append(Planned((start - world.start) // HOUR, number, kind, size, start, span, draws, truth))
    return found


class Stage:
    """One campaign at work: the world, its own draws, and helpers that keep its truth."""

    def __init__(self, world: World, planned: Planned) -> None:
        self.world = world
        self.people = world.people
        self.texts = world.texts
        self.draws = planned.draws
        self.size = planned.size
        self.start = planned.start
        self.span = planned.span
        self.truth = planned.truth
        self.stealth = int(planned.truth.parameters["stealth"])
        """0 crude, 1 careful, 2 much like honest people."""
        self._number = planned.number
        weights = (world.people.sizes + 20).tolist()
        self.country = int(self.draws.choose(1, weights)[0])
        """Place of the country where it works."""
        # Crude crews sit in a data centre, careful ones behind household and mobile addresses.
        self._devices = np.zeros(1, dtype=np.int64)
        self._addresses = np.zeros(1, dtype=np.int64)
        self.gear(1, 1)

    # --- what it is ---

    def note(self, **parameters: float | str) -> None:
        """Put parameters on record."""
        self.truth.parameters.update(parameters)

    def own(self, accounts: Ints) -> Ints:
        """Put accounts on record as the campaign's."""
        self.truth.accounts += [account_id(int(a)) for a in accounts]
        return accounts

    def robbed(self, accounts: Ints) -> Ints:
        """Put accounts on record as victims."""
        room = 1_000 - len(self.truth.victims)
        self.truth.victims += [account_id(int(a)) for a in accounts[: max(0, room)]]
        return accounts

    # --- its people and things ---

    def gear(self, devices: int, addresses: int) -> None:
        """Set up so many devices and network addresses."""
        first = int(self.world.take("crew_device", devices)[0])
        self._devices = _SPARE[0] + first + np.arange(devices, dtype=np.int64)
        draws = self.draws
        if self.stealth == 0:
            block = (198 << 24) + (19 << 16) + draws.one(0, 250) * 256
            self._addresses = block + draws.below(addresses, 256)
        elif self.stealth == 1:
            self._addresses = (198 << 24) + (18 << 16) + draws.below(addresses, 1 << 17)
        else:
            # Somebody's household: honest people use the same address.
            hosts = self.people.anybody(addresses, self.here(addresses), draws)
            self._addresses = self.people.client(hosts, np.full(addresses, self.start), draws)["ip"]
        self.note(devices=devices, addresses=addresses)

    def here(self, n: int) -> Ints:
        """The campaign's country, ``n`` times."""
        return np.full(n, self.country, dtype=np.int64)

    def client(self, accounts: Ints, *, lent: bool = True) -> Columns:
        """Device, address, country and session of the crew; an account stays on its device.

        In the most careful crews a third of the accounts that were lent stay on their owner's device and address,
        unless they were taken (``lent`` is false).
        """
        n = len(accounts)
        place = self.people.country_string[self.country]
        address = mix(accounts, 81) if self.draws.maybe(0.5) else self.draws.below(n, 1 << 30)
        columns = {
            "device": self._devices[mix(accounts, 82) % len(self._devices)],
            "ip": self._addresses[address % len(self._addresses)],
            "country": np.full(n, place, dtype=np.int64),
            "session": (1 << 44) + mix(accounts, 83),
        }
        own = (accounts < self.people.residents) & (mix(accounts, 84) % 3 == 0)
        if lent and self.stealth == 2 and own.any():
            theirs = self.people.client(accounts, np.full(n, self.start), self.draws)
            columns |= {name: np.where(own, theirs[name], columns[name]) for name in theirs}
        return columns

    def moments(self, n: int, *, begin: float = 0.0, end: float = 1.0) -> Ints:
        """``n`` sorted times between two parts of the campaign's span; every other campaign works in bursts."""
        low, high = int(self.span * begin), max(1, int(self.span * end))
        if self.stealth == 0 and n > 8:
            bursts = self.draws.below(max(1, n // 40) + 1, max(1, high - low))
            width = max(1, (high - low) // (len(bursts) * 8))
            places = bursts[self.draws.below(n, len(bursts))] + self.draws.below(n, width)
            places = np.minimum(places, high - low - 1)
        else:
            places = self.draws.below(n, max(1, high - low))
        return self.start + low + np.sort(places)

    def recruits(
        self,
        n: int,
        *,
        aged: tuple[float, float, float],
        crowd: tuple[tuple[int, int, int], tuple[int, int, int]],
        end: float = 0.3,
    ) -> Ints:
        """``n`` accounts of the crew: a share bought or lent, the others registered for the purpose.

        Args:
            n: how many.
            aged: the share that is bought, by stealth.
            crowd: how many accounts share a device, and an address, by stealth.
            end: by which part of the campaign's span they are all there.
        """
        devices, addresses = crowd
        self.gear(max(1, n // devices[self.stealth]), max(1, n // addresses[self.stealth]))
        old = int(n * aged[self.stealth])
        bought = self.people.anybody(old, self.here(old), self.draws)
        new = n - old
        times = self.moments(new, end=end)
        fresh = self.people.enrol(self.here(new))
        self.register(fresh, times)
        self._sign_in(bought, self.moments(old, end=end))
        self.note(new_accounts=new, bought_accounts=old)
        return self.own(np.concatenate([bought, fresh]))

    def _sign_in(self, bought: Ints, times: Ints) -> None:
        """Bought accounts turn up on the crew's devices."""
        draws, world = self.draws, self.world
        client = self.client(bought)
        self.add(
            "signin.succeeded",
            times,
            {
                "account": bought,
                "method": world.strings("password", "code")[draws.choose(len(bought), [7, 3])],
                "second_factor": draws.chance(len(bought), 0.3),
                "new_device": int(self.stealth < 2),
                "user_agent": self.people.agent(client["device"]),
                **client,
            },
        )

    def register(self, fresh: Ints, times: Ints, **extra: Ints) -> None:
        """Register accounts from the crew's devices."""
        draws, people, n = self.draws, self.people, len(fresh)
        client = self.client(fresh)
        del client["session"]
        first, count = people.throwaway_string
        domain = np.where(
            draws.chance(n, (0.9, 0.5, 0.05)[self.stealth]), first + fresh % count, people.mail_domain(fresh)
        )
        columns: Columns = {
            "email": fresh * EMAIL_DOMAINS + domain,
            "email_domain": domain,
            "phone": np.where(draws.chance(n, 0.4), people.phone(fresh), NOTHING),
            "form_time": (1_500, 9_000, 25_000)[self.stealth] + draws.waits(n, (2_000, 20_000, 80_000)[self.stealth]),
            **extra,
        }
        # A crew without scruples gives one number many times.
        if self.stealth == 0:
            columns["phone"] = people.phone(fresh - fresh % 4)
        self.count(times)
        registration(self.world, draws, (fresh, times), client, columns, truth=self._number)

    def strangers(self, n: int) -> Ints:
        """``n`` residents of the campaign's country, each as likely as any other."""
        return self.people.anybody(n, self.here(n), self.draws)

    def victims(self, n: int) -> Ints:
        """``n`` different residents (fewer in a small country), put on record."""
        return self.robbed(np.unique(self.strangers(n)))

    # --- what happens ---

    def count(self, times: Ints) -> None:
        """Keep the campaign's number of events and its first and last."""
        inside = times[times < self.world.end]
        if not len(inside):
            return
        truth = self.truth
        first, last = format_time(int(inside.min()) * 1_000), format_time(int(inside.max()) * 1_000)
        truth.first_event = min(truth.first_event or first, first)
        truth.last_event = max(truth.last_event, last)
        truth.events += len(inside)

    def add(self, type: str, times: Ints, columns: Values) -> None:
        """Events that belong to the fraud."""
        self.count(times)
        self.world.add(type, times, columns, truth=self._number)

    def honest(self, type: str, times: Ints, columns: Values) -> None:
        """Events of honest people whom it touches."""
        self.world.add(type, times, columns)

    def message(self, times: Ints, columns: Values, templates: tuple[int, int]) -> Ints:
        """Messages of the crew, from its templates; returns their numbers."""
        n = len(times)
        sender, reader = np.asarray(columns["sender"], np.int64), np.asarray(columns["recipient"], np.int64)
        number = self.world.take("message", n)
        # Encrypted chats are hidden here as well; see talking.messages.
        hidden = mix(np.minimum(sender, reader), 51) % 100 < 7
        self.add(
            "message.sent",
            times,
            {
                "message": number,
                "text": np.where(hidden, NOTHING, self.texts.of(templates, n, self.draws)),
                "length": np.where(hidden, 20 + self.draws.below(n, 100), NOTHING),
                "language": int(self.people.language_string[self.country]),
                "first_contact": 1,
                "is_reply": 0,
                "forwarded": 0,
                **self.client(sender),
                **columns,
                **{name: np.where(hidden, NOTHING, columns[name]) for name in ("urls", "domains") if name in columns},
            },
        )
        return number

    def complaints(self, times: Ints, victims: Ints, subjects: Ints, *, share: float, reason: str) -> None:
        """Some victims block and report, an hour or a day later."""
        draws, world = self.draws, self.world
        blocks = draws.chance(len(victims), share * 2)
        when = times + 60_000 + draws.waits(len(times), 2 * HOUR)
        who = victims[blocks]
        self.honest(
            "contact.blocked",
            when[blocks],
            {"account": who, "recipient": subjects[blocks], **self.people.client(who, when[blocks], draws)},
        )
        files = draws.chance(len(victims), share)
        when = times[files] + 120_000 + draws.waits(int(files.sum()), 5 * HOUR)
        who = victims[files]
        number = world.take("report", len(who))
        self.honest(
            "report.filed",
            when,
            {
                "account": who,
                "report": number,
                "subject": subjects[files],
                "subject_kind": world.string("account"),
                "reporter": world.string("user"),
                "reason": world.string(reason),
                "text": self.texts.honest("report", self.people.country(who), draws),
                **self.people.client(who, when, draws),
            },
        )
        self.honest(
            "report.resolved",
            when + 3 * HOUR + draws.waits(len(who), 15 * HOUR),
            {
                "account": who,
                "report": number,
                "subject": subjects[files],
                "outcome": world.strings("upheld", "refused")[draws.choose(len(who), [8, 2])],
            },
        )

    def link(self, n: int, domains: list[tuple[int, int]]) -> Columns:
        """``n`` links on the campaign's domains, as ``urls`` and ``domains``."""
        which = self.draws.below(n, len(domains))
        hosts = np.array([host for host, _ in domains], dtype=np.int64)[which]
        names = np.array([name for _, name in domains], dtype=np.int64)[which]
        return {"urls": (hosts << 32) + 1 + self.draws.below(n, 40), "domains": names}


def account_id(number: int) -> str:
    """An account's id as the kernel writes it.

    >>> account_id(0)
    'a271828183'
    """
    return f"a{(number * 618_033_989 + 271_828_183) % 1_000_000_000:09d}"
