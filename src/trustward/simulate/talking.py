"""Honest life: messages, groups, posts, links, likes, streams and reports."""

from __future__ import annotations

import numpy as np

from trustward.simulate.draws import Draws, Flags, Ints, mix
from trustward.simulate.kernel import NOTHING
from trustward.simulate.spool import DAY, HOUR
from trustward.simulate.world import Scene, pick


def conversations(scene: Scene) -> None:
    """Friends write to each other; now and then somebody writes to a person not met before."""
    draws = scene.draws("conversations")
    who, when = scene.actors(0.62, draws)
    n = len(who)
    stranger = draws.chance(n, 0.025)
    other = np.where(stranger, scene.people.active(n, scene.rhythm, draws), scene.people.friend(who, draws))
    keep = other != who
    who, when, other, stranger = who[keep], when[keep], other[keep], stranger[keep]
    n = len(who)
    lengths = 1 + draws.choose(n, [30, 20, 14, 10, 7, 5, 4, 3, 2, 2, 1, 1, 1])
    messages(scene, draws, (when, who, other), lengths, stranger)


def messages(scene: Scene, draws: Draws, talk: tuple[Ints, Ints, Ints], lengths: Ints, stranger: Flags) -> None:
    """Write conversations down as messages."""
    world = scene.world
    when, who, other = talk
    which, place, at, writer, reader = world.talk(when, who, other, lengths, draws)
    n = len(which)
    mine, theirs = world.client(who, when, draws), world.client(other, when, draws)
    answers = writer != who[which]
    client = {name: np.where(answers, theirs[name][which], mine[name][which]) for name in mine}
    places = scene.people.country(writer)
    text = scene.texts.honest("chat", places, draws)
    kind = draws.below(n, 1_000)
    linked, phoned, named = kind < 26, (kind >= 26) & (kind < 36), (kind >= 36) & (kind < 50)
    for flags, purpose in ((linked, "link"), (phoned, "phone"), (named, "app")):
        text[flags] = scene.texts.honest(purpose, places[flags], draws)
    url, domain = scene.texts.link(int(linked.sum()), draws)
    urls, domains = np.full(n, NOTHING), np.full(n, NOTHING)
    urls[linked], domains[linked] = url, domain
    # Some chats are end-to-end encrypted: only the length is known.
    hidden = mix(np.minimum(writer, reader), 51) % 100 < 7
    world.add(
        "message.sent",
        at,
        {
            "sender": writer,
            "recipient": reader,
            "message": world.take("message", n),
            "text": np.where(hidden, NOTHING, text),
            "length": np.where(hidden, 4 + draws.below(n, 120), NOTHING),
            "language": world.language(writer),
            "urls": np.where(hidden, NOTHING, urls),
            "domains": np.where(hidden, NOTHING, domains),
            "first_contact": stranger[which] & (place == 0),
            "is_reply": answers,
            "forwarded": draws.chance(n, 0.02),
            "_phone": np.where(phoned, scene.people.phone(reader), NOTHING),
            **client,
        },
    )
    clicked = linked & draws.chance(n, 0.3)
    world.add(
        "link.clicked",
        at[clicked] + 3_000 + draws.waits(int(clicked.sum()), 300_000),
        {
            "account": reader[clicked],
            "url": urls[clicked],
            "domain": domains[clicked],
            "owner": writer[clicked],
            "place": world.string("message"),
            **scene.people.client(reader[clicked], at[clicked], draws),
        },
    )


def group_talk(scene: Scene) -> None:
    """People post in their groups, alone or a few times in a row."""
    world, draws = scene.world, scene.draws("group_talk")
    who, when = scene.actors(0.42, draws)
    group, members = world.group(who, draws)
    repeat = 1 + draws.choose(len(who), [70, 20, 10])
    client = world.client(who, when, draws)
    which = np.repeat(np.arange(len(who), dtype=np.int64), repeat)
    n = len(which)
    places = scene.people.country(who)[which]
    text = scene.texts.honest("group", places, draws)
    kind = draws.below(n, 100)
    chat, linked = kind < 55, kind >= 96
    text[chat] = scene.texts.honest("chat", places[chat], draws)
    text[linked] = scene.texts.honest("link", places[linked], draws)
    url, domain = scene.texts.link(n, draws)
    at = when[which] + np.where(which == np.roll(which, 1), 5_000 + draws.waits(n, 60_000), 0)
    world.add(
        "group.posted",
        at,
        {
            "account": who[which],
            "group": group[which],
            "post": world.take("post", n),
            "text": text,
            "language": world.language(who[which]),
            "urls": np.where(linked, url, NOTHING),
            "domains": np.where(linked, domain, NOTHING),
            "members": members[which],
            "is_admin": mix(who[which] * 64 + group[which], 44) % 100 < 8,
            **pick(client, which),
        },
    )


def group_life(scene: Scene) -> None:
    """Groups are opened, joined and left; friends put friends in."""
    world, draws, people = scene.world, scene.draws("group_life"), scene.people
    who, when = scene.actors(0.03, draws)
    group, members = world.group(who, draws)
    vias = world.strings("link", "invitation", "search", "qr_code")
    client = people.client(who, when, draws)
    world.add(
        "group.joined",
        when,
        {
            "account": who,
            "group": group,
            "inviter": np.where(draws.chance(len(who), 0.5), people.friend(who, draws), NOTHING),
            "via": vias[draws.choose(len(who), [40, 40, 15, 5])],
            "members": members,
            **client,
        },
    )
    who, when = scene.actors(0.012, draws)
    group, members = world.group(who, draws)
    where = people.client(who, when, draws)
    del where["country"]
    world.add(
        "group.left", when, {"account": who, "group": group, "by": world.string("member"), "members": members, **where}
    )
    who, when = scene.actors(0.004, draws)
    new = 60_000_000 + world.take("group", len(who))
    client = people.client(who, when, draws)
    world.add(
        "group.created",
        when,
        {
            "account": who,
            "group": new,
            "title": scene.texts.named("shop", new),
            "members": 1,
            "is_public": draws.chance(len(who), 0.2),
            **client,
        },
    )
    counts = 2 + draws.choose(len(who), [30, 20, 15, 10, 8, 6, 4, 3, 2, 1, 1])
    _put_in(scene, draws, (who, when, new), counts, pick(client, np.arange(len(who))))


def large_groups(scene: Scene) -> None:
    """Admins of clubs and channels put many people in, and post notices: honest, and much like abuse by the numbers."""
    world, draws, people = scene.world, scene.draws("large_groups"), scene.people
    who, when = scene.among(world.admins, 0.12, draws)
    group = 100_000_000 + who
    counts = draws.between(len(who), 5, 40)
    _put_in(scene, draws, (who, when, group), counts, people.client(who, when, draws))
    who, when = scene.among(world.admins, 2.5, draws)
    places = people.country(who)
    world.add(
        "group.posted",
        when,
        {
            "account": who,
            "group": 100_000_000 + who,
            "post": world.take("post", len(who)),
            "text": scene.texts.honest("group", places, draws),
            "language": world.language(who),
            "members": 60 + mix(who, 45) % 900,
            "is_admin": 1,
            **world.client(who, when, draws),
        },
    )


def _put_in(scene: Scene, draws: Draws, acts: tuple[Ints, Ints, Ints], counts: Ints, client: dict[str, Ints]) -> None:
    world, people = scene.world, scene.people
    who, when, group = acts
    which = np.repeat(np.arange(len(who), dtype=np.int64), counts)
    begins = np.cumsum(counts) - counts
    place = np.arange(len(which), dtype=np.int64) - begins[which]
    known = draws.chance(len(which), 0.8)
    friend = people.friend(who[which], draws)
    other = np.where(known, friend, people.friend(friend, draws))
    world.add(
        "group.member_added",
        when[which] + 20_000 + place * 4_000 + draws.below(len(which), 3_000),
        {
            "account": who[which],
            "group": group[which],
            "recipient": other,
            "is_contact": known,
            "members": 2 + place,
            **pick(client, which),
        },
    )


def contacts(scene: Scene) -> None:
    """People find each other, answer, and now and then block somebody."""
    world, draws, people = scene.world, scene.draws("contacts"), scene.people
    who, when = scene.actors(0.05, draws)
    n = len(who)
    other = np.where(draws.chance(n, 0.75), people.friend(who, draws), people.active(n, scene.rhythm, draws))
    vias = world.strings("phone_book", "search", "group", "suggestion", "nearby")
    via = vias[draws.choose(n, [45, 20, 15, 17, 3])]
    world.add(
        "contact.requested",
        when,
        {"account": who, "recipient": other, "via": via, **people.client(who, when, draws)},
    )
    yes = draws.chance(n, 0.72)
    later = when + 30_000 + draws.waits(n, 2 * HOUR)
    world.add(
        "contact.added",
        later[yes],
        {"account": other[yes], "recipient": who[yes], "via": via[yes], **people.client(other[yes], later[yes], draws)},
    )
    who, when = scene.actors(0.004, draws)
    world.add(
        "contact.blocked",
        when,
        {"account": who, "recipient": people.active(len(who), scene.rhythm, draws), **people.client(who, when, draws)},
    )


def liking(scene: Scene) -> None:
    """Likes come in runs, mostly for friends and for a few popular accounts."""
    world, draws, people = scene.world, scene.draws("liking"), scene.people
    who, when = scene.actors(0.3, draws)
    client = world.client(who, when, draws)
    repeat = 1 + draws.choose(len(who), [50, 22, 12, 8, 5, 3])
    which = np.repeat(np.arange(len(who), dtype=np.int64), repeat)
    n = len(which)
    owner = np.where(draws.chance(n, 0.6), people.friend(who[which], draws), people.active(n, scene.rhythm, draws))
    post = (1 << 29) + owner * 16 % (1 << 28) + draws.below(n, 6)
    at = when[which] + draws.waits(n, 240_000)
    world.add("engagement.liked", at, {"account": who[which], "owner": owner, "post": post, **pick(client, which)})
    who, when = scene.actors(0.09, draws)
    n = len(who)
    famous = world.streamers[(draws.unit(n) * draws.unit(n) * len(world.streamers)).astype(np.int64)]
    owner = np.where(draws.chance(n, 0.5), people.friend(who, draws), famous)
    world.add(
        "engagement.followed",
        when,
        {
            "account": who,
            "owner": owner,
            "followers": 5 + mix(owner, 46) % 900,
            **world.client(who, when, draws),
        },
    )


def publishing(scene: Scene) -> None:
    """Posts, their links and the comments under them."""
    world, draws, people = scene.world, scene.draws("publishing"), scene.people
    who, when = scene.actors(0.1, draws)
    n = len(who)
    places = people.country(who)
    linked = draws.chance(n, 0.15)
    text = scene.texts.honest("chat", places, draws)
    text[linked] = scene.texts.honest("link", places[linked], draws)
    url, domain = scene.texts.link(n, draws)
    client = world.client(who, when, draws)
    world.add(
        "post.created",
        when,
        {
            "account": who,
            "post": world.take("post", n),
            "text": text,
            "language": world.language(who),
            "urls": np.where(linked, url, NOTHING),
            "domains": np.where(linked, domain, NOTHING),
            "images": np.where(draws.chance(n, 0.6), draws.below(n, 1 << 31), NOTHING),
            **client,
        },
    )
    world.add(
        "link.posted",
        when[linked] + 5,
        {
            "account": who[linked],
            "url": url[linked],
            "domain": domain[linked],
            "final_domain": domain[linked],
            "place": world.string("post"),
            **pick(client, linked),
        },
    )
    who, when = scene.actors(0.16, draws)
    n = len(who)
    owner = people.friend(who, draws)
    world.add(
        "comment.posted",
        when,
        {
            "account": who,
            "comment": world.take("comment", n),
            "post": (1 << 29) + owner * 16 % (1 << 28) + draws.below(n, 6),
            "owner": owner,
            "text": scene.texts.honest("comment", people.country(who), draws),
            "language": world.language(who),
            **world.client(who, when, draws),
        },
    )


def streams(scene: Scene) -> None:
    """Streamers go live in their evening; viewers comment and give."""
    world, draws, people = scene.world, scene.draws("streams"), scene.people
    day = (scene.start + people.offset[people.country(world.streamers)]) // DAY
    local = (scene.start + people.offset[people.country(world.streamers)]) // HOUR % 24
    begins = 18 + mix(world.streamers, 47) % 4
    hours = 1 + mix(world.streamers + day, 48) % 3
    tonight = mix(world.streamers * 512 + day, 49) % 100 < 40
    on = tonight & (local >= begins) & (local < np.minimum(24, begins + hours))
    live = world.streamers[on]
    if not len(live):
        return
    stream = live * 512 % (1 << 29) + day[on] % 512
    starting = local[on] == begins[on]
    fresh = live[starting]
    at = scene.start + draws.below(len(fresh), 240_000)
    places = people.country(fresh)
    world.add(
        "stream.started",
        at,
        {
            "account": fresh,
            "stream": stream[starting],
            "title": scene.texts.honest("title", places, draws),
            "category": world.strings("shopping", "music", "games", "talk")[mix(fresh, 50) % 4],
            **people.client(fresh, at, draws),
        },
    )
    lasted = hours[on][starting] * HOUR - 300_000 - draws.below(len(fresh), 600_000)
    world.add(
        "stream.ended",
        scene.start + lasted + 300_000,
        {
            "account": fresh,
            "stream": stream[starting],
            "viewers": 5 + draws.waits(len(fresh), 80),
            "lasted": lasted,
            "by": world.string("streamer"),
        },
    )
    _pinned(scene, draws, live, stream)
    _viewers(scene, draws, live, stream)


def _pinned(scene: Scene, draws: Draws, live: Ints, stream: Ints) -> None:
    """Every fourth streamer sells: now and then an offer of a shop is pinned."""
    world, people = scene.world, scene.people
    pins = np.repeat(np.flatnonzero(mix(live, 52) % 4 == 0), 2)
    n = len(pins)
    shop = world.shop(n, draws)
    seller = world.shops[shop]
    at = scene.start + 300_000 + draws.below(n, HOUR - 600_000)
    client = people.client(live[pins], at, draws)
    world.add(
        "stream.product_pinned",
        at,
        {
            "account": live[pins],
            "stream": stream[pins],
            "listing": world.listing(shop, draws),
            "merchant": world.merchant(seller),
            "title": scene.texts.honest("title", people.country(seller), draws),
            "price": world.amount(seller, draws),
            "currency": world.currency(seller),
            "device": client["device"],
            "ip": client["ip"],
        },
    )


def _viewers(scene: Scene, draws: Draws, live: Ints, stream: Ints) -> None:
    world, people = scene.world, scene.people
    # Room enough for the first viewer to come after the stream's start.
    crowd = draws.waits(len(live), 30)
    which = np.repeat(np.arange(len(live), dtype=np.int64), crowd)
    n = len(which)
    who = people.anybody(n, people.country(live)[which], draws)
    at = scene.start + 300_000 + draws.below(n, HOUR - 600_000)
    gives = draws.chance(n, 0.06)
    talks = ~gives
    for flags, event in ((talks, "stream.comment_posted"), (gives, "stream.gift_sent")):
        viewer, when, owner = who[flags], at[flags], live[which][flags]
        columns = {"account": viewer, "stream": stream[which][flags], **people.client(viewer, when, draws)}
        if event == "stream.gift_sent":
            columns |= {
                "recipient": owner,
                "gift": world.strings("rose", "star", "rocket")[draws.choose(len(viewer), [7, 2, 1])],
                "quantity": 1 + draws.choose(len(viewer), [6, 2, 1]),
                "amount": world.amount(viewer, draws, scale=1),
                "currency": world.currency(viewer),
                "card": people.card(viewer),
            }
        else:
            columns |= {
                "comment": world.take("comment", len(viewer)),
                "owner": owner,
                "text": scene.texts.honest("comment", people.country(viewer), draws),
                "language": world.language(viewer),
            }
        world.add(event, when, columns)


def reports(scene: Scene) -> None:
    """Honest quarrels end in reports too, and most of those are refused."""
    world, draws, people = scene.world, scene.draws("reports"), scene.people
    who, when = scene.actors(0.003, draws)
    n = len(who)
    subject = people.active(n, scene.rhythm, draws)
    number = world.take("report", n)
    world.add(
        "report.filed",
        when,
        {
            "account": who,
            "report": number,
            "subject": subject,
            "subject_kind": world.string("account"),
            "reporter": world.string("user"),
            "reason": world.strings("harassment", "spam", "scam", "other")[draws.choose(n, [4, 3, 1, 2])],
            "text": scene.texts.honest("report", people.country(who), draws),
            **people.client(who, when, draws),
        },
    )
    world.add(
        "report.resolved",
        when + 2 * HOUR + draws.waits(n, 20 * HOUR),
        {
            "account": who,
            "report": number,
            "subject": subject,
            "outcome": world.strings("refused", "upheld", "duplicate")[draws.choose(n, [80, 15, 5])],
        },
    )


ACTS = (conversations, group_talk, group_life, large_groups, contacts, liking, publishing, streams, reports)
