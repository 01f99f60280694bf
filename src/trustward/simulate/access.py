"""Honest life: sign-ins with their typos, new devices, changes of contact data, and newcomers' first days."""

from __future__ import annotations

import numpy as np

from trustward.simulate.draws import Draws, Flags, Ints, mix
from trustward.simulate.kernel import EMAIL_DOMAINS, NOTHING
from trustward.simulate.people import Columns
from trustward.simulate.spool import DAY, HOUR, Value, Values
from trustward.simulate.talking import messages
from trustward.simulate.trading import offers
from trustward.simulate.world import Scene, World, pick


def sign_ins(scene: Scene) -> None:
    """People sign in; some mistype the password first, some use a new device and prove themselves."""
    world, draws, people = scene.world, scene.draws("sign_ins"), scene.people
    who, when = scene.actors(0.52, draws)
    n = len(who)
    client = world.client(who, when, draws)
    typos = draws.choose(n, [930, 50, 14, 6])
    fresh = draws.chance(n, 0.02)
    # A new device stays: it is a number of its own.
    client["device"] = np.where(fresh, (1 << 42) + world.take("device", n), client["device"])
    methods = world.strings("password", "passkey", "token", "code", "social")
    method = np.where(typos > 0, methods[0], methods[draws.choose(n, [45, 15, 25, 7, 8])])
    which = np.repeat(np.arange(n, dtype=np.int64), typos)
    program = people.agent(client["device"])
    where = {name: values for name, values in client.items() if name != "session"}
    world.add(
        "signin.failed",
        when[which] + draws.below(len(which), 40_000),
        {
            "account": who[which],
            "method": methods[0],
            "reason": world.string("wrong_password"),
            "new_device": fresh[which],
            "user_agent": program[which],
            **pick(where, which),
        },
    )
    lost = (typos == 3) & draws.chance(n, 0.5)
    done = when + np.where(typos > 0, 45_000, 0) + draws.below(n, 8_000) + np.where(lost, 300_000, 0)
    world.add(
        "password.reset",
        done[lost] - 60_000,
        {
            "account": who[lost],
            "method": world.strings("email", "phone")[draws.choose(int(lost.sum()), [6, 4])],
            "by": world.string("holder"),
            **pick(where, lost),
        },
    )
    proved = np.ones(n, dtype=np.bool_)
    proved[fresh], taken = _challenged(world, draws, who[fresh], done[fresh], pick(where, fresh))
    done[fresh] += taken
    columns: Columns = {"account": who, "method": method, "new_device": fresh, "user_agent": program, **where}
    world.add("signin.failed", done[~proved], {**pick(columns, ~proved), "reason": world.string("challenge_failed")})
    columns |= {"second_factor": fresh | people.chance_of(who, 71, 250), "session": client["session"]}
    world.add("signin.succeeded", done[proved] + 300, pick(columns, proved))
    _added(world, draws, done, fresh & proved, columns)


def _challenged(world: World, draws: Draws, who: Ints, when: Ints, where: Values) -> tuple[Flags, Ints]:
    """Codes are asked for; who passes, and the time each takes."""
    n = len(who)
    shared: dict[str, Value] = {
        "account": who,
        "challenge": world.take("challenge", n),
        "method": world.string("code"),
        "device": where["device"],
        "ip": where["ip"],
    }
    world.add("challenge.issued", when, {**shared, "reason": world.string("signin")})
    taken = 8_000 + draws.waits(n, 30_000)
    passed = taken <= 150_000
    shared["taken"] = taken
    world.add("challenge.passed", (when + taken)[passed], pick(shared, passed))
    world.add("challenge.failed", (when + taken)[~passed], {**pick(shared, ~passed), "reason": world.string("expired")})
    return passed, taken


def _added(world: World, draws: Draws, when: Ints, which: Flags, columns: Columns) -> None:
    mine = pick(columns, which)
    world.add(
        "device.added",
        when[which] + 800,
        {
            **{name: mine[name] for name in ("account", "device", "ip", "country", "user_agent")},
            "method": world.string("signin"),
            "platform": world.strings("android", "ios", "web", "windows", "macos")[mix(mine["device"], 72) % 5],
            "emulator": draws.chance(int(which.sum()), 0.004),
        },
    )


def changes(scene: Scene) -> None:
    """Profiles, passwords and contact data change; data is taken along."""
    world, draws, people = scene.world, scene.draws("changes"), scene.people
    who, when = scene.actors(0.012, draws)
    n = len(who)
    world.add(
        "account.updated",
        when,
        {
            "account": who,
            "changed": world.strings("image", "text", "display_name")[draws.choose(n, [5, 3, 2])],
            "display_name": scene.texts.named("handle", who),
            "text": scene.texts.honest("comment", people.country(who), draws),
            **world.client(who, when, draws),
        },
    )
    who, when = scene.actors(0.002, draws)
    world.add("password.changed", when, {"account": who, **world.client(who, when, draws)})
    who, when = scene.actors(0.002, draws)
    n = len(who)
    mail = draws.chance(n, 0.5)
    world.add(
        "account.contact_changed",
        when,
        {
            "account": who,
            "contact": np.where(mail, world.string("email"), world.string("phone")),
            "email": np.where(mail, people.email(who) + EMAIL_DOMAINS * 500_000_000, NOTHING),
            "previous_email": np.where(mail, people.email(who), NOTHING),
            "phone": np.where(mail, NOTHING, people.phone(who, 1)),
            "previous_phone": np.where(mail, NOTHING, people.phone(who)),
            "confirmed": draws.chance(n, 0.8),
            **world.client(who, when, draws),
        },
    )
    who, when = scene.actors(0.0008, draws)
    world.add(
        "export.requested",
        when,
        {
            "account": who,
            "scope": world.strings("all", "messages", "contacts")[draws.choose(len(who), [6, 3, 1])],
            "records": 50 + draws.waits(len(who), 5_000),
            "email": people.email(who),
            **world.client(who, when, draws),
        },
    )


def registration(
    world: World, draws: Draws, acts: tuple[Ints, Ints], client: Columns, columns: Columns, *, truth: int = 0
) -> None:
    """Accounts register, honestly or not; ``columns`` overrides what an honest newcomer gives."""
    people = world.people
    who, when = acts
    n = len(who)
    methods = world.strings("phone", "email", "social", "partner")
    values: Columns = {
        "account": who,
        "method": methods[draws.choose(n, [52, 33, 13, 2])],
        "email": people.email(who),
        "email_domain": people.mail_domain(who),
        "phone": np.where(draws.chance(n, 0.8), people.phone(who), NOTHING),
        "phone_type": world.strings("mobile", "voip", "fixed")[draws.choose(n, [94, 4, 2])],
        "username": world.texts.named("handle", who),
        "language": world.language(who),
        "channel": world.strings("search", "ads", "direct", "referral")[draws.choose(n, [35, 25, 25, 15])],
        "form_time": 25_000 + draws.waits(n, 80_000),
        "user_agent": people.agent(client["device"]),
        **client,
    }
    world.add("account.registered", when, {**values, **columns}, truth=truth)


def newcomers(scene: Scene) -> None:
    """People join, look for their friends, write to them, join groups; some sell on their first day."""
    world, draws, people = scene.world, scene.draws("newcomers"), scene.people
    host, when = scene.actors(0.0035, draws)
    if not len(host):
        return
    who = people.enrol(people.country(host))
    n = len(who)
    client = people.client(who, when, draws)
    invited = draws.chance(n, 0.3)
    registration(world, draws, (who, when), client, {"referrer": np.where(invited, host, NOTHING)})
    fine = draws.chance(n, 0.85)
    where = {name: client[name] for name in ("device", "ip")}
    world.add(
        "account.verified",
        (when + 30_000 + draws.waits(n, 120_000))[fine],
        {
            "account": who[fine],
            "method": world.string("phone"),
            "outcome": world.string("passed"),
            "phone": people.phone(who[fine]),
            **pick(where, fine),
        },
    )
    which = np.repeat(np.arange(n, dtype=np.int64), 1 + draws.choose(n, [10, 14, 16, 16, 12, 10, 8, 6, 4, 2, 1, 1]))
    m = len(which)
    other = np.where(draws.chance(m, 0.5), people.friend(host[which], draws), host[which])
    asked = when[which] + 120_000 + draws.waits(m, HOUR)
    world.add(
        "contact.requested",
        asked,
        {
            "account": who[which],
            "recipient": other,
            "via": world.strings("phone_book", "suggestion")[draws.choose(m, [7, 3])],
            **pick(client, which),
        },
    )
    yes = draws.chance(m, 0.7)
    later = asked[yes] + 30_000 + draws.waits(int(yes.sum()), 4 * HOUR)
    world.add(
        "contact.added",
        later,
        {
            "account": other[yes],
            "recipient": who[which][yes],
            "via": world.string("phone_book"),
            **people.client(other[yes], later, draws),
        },
    )
    first = later + 60_000 + draws.waits(int(yes.sum()), 10 * HOUR)
    lengths = 1 + draws.choose(int(yes.sum()), [20, 20, 20, 15, 15, 10])
    messages(scene, draws, (first, who[which][yes], other[yes]), lengths, np.ones(int(yes.sum()), dtype=np.bool_))
    sells = draws.chance(n, 0.04)
    offers(scene, draws, (who[sells], when[sells] + HOUR), 1 + draws.choose(int(sells.sum()), [50, 30, 20]))
    for day in (1, 2, 4):
        back = draws.chance(n, 0.6)
        again = when[back] + DAY * day + draws.waits(int(back.sum()), 3 * HOUR)
        world.add(
            "signin.succeeded",
            again,
            {
                "account": who[back],
                "method": world.string("token"),
                "second_factor": 0,
                "new_device": 0,
                "user_agent": people.agent(client["device"][back]),
                **world.client(who[back], again, draws),
            },
        )


ACTS = (sign_ins, changes, newcomers)
