"""What every adapter of the ports for people must do: users, sessions, tickets, attempts."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Thread

import msgspec
import pytest

from trustward.base.errors import ForbiddenError, NotFoundError, StaleError, TakenError
from trustward.model.people import Pace, Passkey, Session, Ticket, User
from trustward.model.stored import AuditRow
from trustward.ports import Store
from trustward.testing.contracts import Contract, Open

KIM = User(id="u1", name="kim", full="Kim Ü", roles=("analyst", "admin"), password="$argon2id$x", created_us=3)  # noqa: S106
LEE = User(id="u2", name="lee", issuer="https://id.example", subject="s2", created_us=4)


def row(action: str, subject: str = "user:u1") -> AuditRow:
    """A row of the audit."""
    return AuditRow(at_us=1, actor="user:u0", action=action, subject=subject)


def actions(store: Store) -> list[str]:
    """What the audit says."""
    return [one.action for one in store.audit.read(0, 100)]


class PeopleContract(Contract):
    """Users by id, name and what a provider calls them; what they sign in with."""

    def test_users_are_found(self, store: Store, opened: Open) -> None:
        store.people.add(KIM, row("user.invited"))
        store.people.add(LEE, row("user.invited"))
        later = opened().people
        assert later.get("u1") == later.named("kim") == KIM
        assert later.known_as("https://id.example", "s2") == LEE
        assert later.all() == [KIM, LEE]
        assert later.get("u3") is later.named("u1") is later.known_as("https://id.example", "s1") is None
        assert later.known_as("", "") is None
        assert actions(store) == ["user.invited"] * 2

    def test_an_admin_is_left_whoever_else_goes(self, store: Store, opened: Open) -> None:
        boss, other = (msgspec.structs.replace(one, roles=("admin",)) for one in (KIM, LEE))
        for one in (boss, other):
            store.people.add(one, row("user.invited"))
        stores, gate, refused = (store, opened()), Barrier(2), []

        def leave(at: int) -> None:
            gone = msgspec.structs.replace((boss, other)[at], roles=("analyst",))
            gate.wait()
            try:
                stores[at].people.update(gone, row("user.roles"), leaves_admin=True)
            except ForbiddenError:
                refused.append(at)

        threads = [Thread(target=leave, args=(at,)) for at in (0, 1)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(refused) == 1
        assert [one.leads for one in store.people.all()].count(True) == 1
        last = next(one for one in store.people.all() if one.leads)
        with pytest.raises(ForbiddenError):
            store.people.update(msgspec.structs.replace(last, disabled_us=5), row("user.disabled"), leaves_admin=True)
        store.people.update(msgspec.structs.replace(last, full="Boss"), row("user.roles"), leaves_admin=True)

    def test_a_name_is_one_users(self, store: Store) -> None:
        store.people.add(KIM, row("user.invited"))
        store.people.add(LEE, row("user.invited"))
        for other in (
            msgspec.structs.replace(KIM, id="u3"),
            msgspec.structs.replace(LEE, id="u3", name="mo"),
            msgspec.structs.replace(KIM, name="mo"),
        ):
            with pytest.raises(TakenError):
                store.people.add(other, row("user.invited"))
        assert store.people.all() == [KIM, LEE]
        assert len(actions(store)) == 2

    def test_a_change_is_made_once(self, store: Store, opened: Open) -> None:
        store.people.add(KIM, row("user.invited"))
        changed = msgspec.structs.replace(KIM, roles=("auditor",), disabled_us=9, password="")
        store.people.update(changed, row("user.roles"))
        assert opened().people.get("u1") == msgspec.structs.replace(changed, version=2)
        with pytest.raises(StaleError):
            store.people.update(changed, row("user.roles"))
        with pytest.raises(NotFoundError):
            store.people.update(msgspec.structs.replace(KIM, id="u9"), row("user.roles"))
        assert actions(store) == ["user.invited", "user.roles"]

    def test_a_change_ends_sessions(self, store: Store) -> None:
        store.people.add(KIM, row("user.invited"))
        for name, user in (("a", "u1"), ("b", "u1"), ("c", "u2")):
            store.sessions.begin(session(name, user))
        store.people.update(KIM, row("user.full"))
        assert len(store.sessions.of("u1")) == 2
        store.people.update(msgspec.structs.replace(KIM, version=2), row("user.password"), keep="a")
        assert [one.id for one in store.sessions.of("u1")] == ["a"]
        store.people.update(msgspec.structs.replace(KIM, version=3), row("user.disabled"), keep="")
        assert store.sessions.of("u1") == []
        assert len(store.sessions.of("u2")) == 1

    def test_a_time_step_is_used_once(self, store: Store, opened: Open) -> None:
        store.people.add(msgspec.structs.replace(KIM, totp="S1"), row("user.invited"))
        assert not store.people.use_step("u9", 7)
        assert store.people.use_step("u1", 7)
        assert [opened().people.use_step("u1", step) for step in (7, 6, 8)] == [False, False, True]
        store.people.update(msgspec.structs.replace(KIM, totp="S1", full="K"), row("user.full"))
        assert not store.people.use_step("u1", 8)
        store.people.update(msgspec.structs.replace(KIM, totp="S2", version=2), row("user.totp"))
        assert store.people.use_step("u1", 1)

    def test_a_secret_is_encrypted_where_it_is(self, store: Store, opened: Open) -> None:
        store.people.add(msgspec.structs.replace(KIM, totp="S1"), row("user.invited"))
        assert store.people.use_step("u1", 7)
        assert not store.people.seal_totp("u1", "S2", "sealed")
        assert not store.people.seal_totp("u9", "S1", "sealed")
        assert store.people.seal_totp("u1", "S1", "sealed")
        assert not opened().people.use_step("u1", 7)
        assert store.people.get("u1") == msgspec.structs.replace(KIM, totp="sealed", version=2)
        with pytest.raises(StaleError):
            # Whoever has read the secret before does not write it back.
            store.people.update(msgspec.structs.replace(KIM, totp="S1"), row("user.full"))

    def test_a_recovery_code_is_used_once(self, store: Store) -> None:
        store.people.set_codes("u1", ["a", "b"], row("user.codes"))
        store.people.set_codes("u2", ["a"], row("user.codes"))
        store.people.set_codes("u1", ["c", "d"], row("user.codes"))
        assert [store.people.use_code("u1", code, row("used")) for code in ("a", "c", "c")] == [False, True, False]
        assert (store.people.codes("u1"), store.people.codes("u2"), store.people.codes("u3")) == (1, 1, 0)
        assert actions(store) == ["user.codes"] * 3 + ["used"]

    def test_one_of_many_at_once_uses_a_code(self, store: Store) -> None:
        store.people.set_codes("u1", ["a"], row("user.codes"))
        with ThreadPoolExecutor(6) as pool:
            used = list(pool.map(lambda _: store.people.use_code("u1", "a", row("used")), range(12)))
        assert used.count(True) == 1

    def test_passkeys(self, store: Store, opened: Open) -> None:
        first = Passkey(id="p1", user="u1", name="phone", key=b"\x00\xff", created_us=1)
        second = Passkey(id="p2", user="u1", name="key", key=b"k", count=5, created_us=2)
        for one in (first, second, Passkey(id="p3", user="u2", name="", key=b"k")):
            store.people.add_passkey(one, row("user.passkey"))
        with pytest.raises(TakenError):
            store.people.add_passkey(msgspec.structs.replace(first, user="u2"), row("user.passkey"))
        assert opened().people.passkeys("u1") == [first, second]
        assert [store.people.used_passkey("p1", count, 9) for count in (0, 0, 3, 0, 3, 4)] == [
            *(True, True, True, False, False, True)
        ]
        assert not store.people.used_passkey("p2", 5, 9)
        assert not store.people.used_passkey("p9", 5, 9)
        assert store.people.passkey("p1") == msgspec.structs.replace(first, count=4, used_us=9)
        assert store.people.drop_passkeys("u2", row("gone"), "p1") == 0
        assert store.people.drop_passkeys("u1", row("gone"), "p1") == 1
        assert store.people.drop_passkeys("u1", row("gone")) == 1
        assert store.people.passkeys("u1") == []
        assert store.people.passkey("p3") is not None
        assert actions(store) == ["user.passkey"] * 3 + ["gone"] * 2


def session(id: str, user: str = "u1", *, ends_us: int = 100, seen_us: int = 1) -> Session:
    """A session."""
    return Session(
        id=id,
        hash=f"h-{id}",
        user=user,
        level="full",
        how="passkey",
        began_us=1,
        seen_us=seen_us,
        ends_us=ends_us,
        address="::1",
        agent="x",
    )


class SessionsContract(Contract):
    """Begun, seen, ended; by the hash of a token."""

    def test_begun_and_ended(self, store: Store, opened: Open) -> None:
        store.sessions.begin(session("a"), row("session.began"))
        store.sessions.begin(session("b"))
        assert opened().sessions.get("h-a") == session("a")
        assert store.sessions.get("a") is None
        store.sessions.begin(session("c"), instead="a")
        assert [one.id for one in opened().sessions.of("u1")] == ["b", "c"]
        assert store.sessions.get("h-a") is None
        assert not store.sessions.end("b", "u2", row("session.ended"))
        assert store.sessions.end("b", "u1", row("session.ended"))
        assert not store.sessions.end("b", "u1", row("session.ended"))
        assert actions(store) == ["session.began", "session.ended"]

    def test_all_but_one(self, store: Store) -> None:
        for name, user in (("a", "u1"), ("b", "u1"), ("c", "u1"), ("d", "u2")):
            store.sessions.begin(session(name, user))
        assert store.sessions.end_all("u1", row("ended"), "b") == 2
        assert store.sessions.end_all("u1", row("ended"), "b") == 0
        assert store.sessions.end_all("u1", row("ended")) == 1
        assert len(store.sessions.of("u2")) == 1
        assert actions(store) == ["ended", "ended"]

    def test_seen_and_swept(self, store: Store) -> None:
        for name, seen_us, ends_us in (("a", 1, 100), ("b", 50, 60), ("c", 50, 100)):
            store.sessions.begin(session(name, seen_us=seen_us, ends_us=ends_us))
        store.sessions.seen("c", 55)
        store.sessions.seen("c", 53)
        assert [one.seen_us for one in store.sessions.of("u1")] == [1, 50, 55]
        assert store.sessions.sweep(60, 30) == 2
        assert [one.id for one in store.sessions.of("u1")] == ["c"]
        assert store.sessions.sweep(85, 30) == 1


def _left(store: Store) -> list[str]:
    look = store.tickets.look
    return [name for name in "abcde" if look(name, "link", 1) or look(name, "sso", 1)]


class TicketsContract(Contract):
    """What may be used once is used once."""

    def test_taken_once(self, store: Store, opened: Open) -> None:
        one = Ticket(hash="h1", kind="link", user="u1", ends_us=50, body=b"\x00")
        store.tickets.issue(one, row("link.made"))
        assert opened().tickets.look("h1", "link", 49) == one
        for name, kind, at_us in (("h2", "link", 1), ("h1", "sso", 1), ("h1", "link", 50)):
            assert store.tickets.look(name, kind, at_us) is None
            assert store.tickets.take(name, kind, at_us) is None
        assert opened().tickets.take("h1", "link", 49) == one
        assert store.tickets.take("h1", "link", 49) is None
        assert actions(store) == ["link.made"]

    def test_one_of_many_at_once_takes_it(self, store: Store) -> None:
        store.tickets.issue(Ticket(hash="h1", kind="link", user="u1", ends_us=50))
        with ThreadPoolExecutor(6) as pool:
            taken = list(pool.map(lambda _: store.tickets.take("h1", "link", 1), range(12)))
        assert sum(one is not None for one in taken) == 1

    def test_void_and_swept(self, store: Store) -> None:
        for name, kind, user, ends_us in (
            ("a", "link", "u1", 50),
            ("b", "sso", "u1", 50),
            ("c", "link", "u2", 50),
            ("d", "sso", "u3", 9),
        ):
            store.tickets.issue(Ticket(hash=name, kind=kind, user=user, ends_us=ends_us))  # type: ignore[arg-type]
        store.tickets.issue(Ticket(hash="e", kind="link", user="u1", ends_us=50), alone=True)
        left = _left(store)
        assert left == ["b", "c", "d", "e"]
        store.tickets.drop("u1", "sso")
        assert store.tickets.sweep(9) == 1
        left = _left(store)
        assert left == ["c", "e"]


PACE = Pace(free=2, pause_us=10, most_us=40, forget_us=1000)


class AttemptsContract(Contract):
    """Failures add up, pauses grow, and time forgives."""

    def test_pauses_grow(self, store: Store, opened: Open) -> None:
        waits: list[int] = []
        now = 100
        for _ in range(7):
            assert store.attempts.begin("u", now, PACE) == 0
            waits.append(wait := opened().attempts.begin("u", now, PACE) if len(waits) > 1 else 0)
            assert store.attempts.begin("v", now, Pace(free=99, pause_us=1, most_us=1, forget_us=1)) == 0
            now += wait
        assert waits == [0, 0, 10, 20, 40, 40, 40]

    def test_forgiven_and_forgotten(self, store: Store) -> None:
        for _ in range(3):
            assert store.attempts.begin("u", 100, PACE) == 0
        assert store.attempts.begin("u", 105, PACE) == 5
        assert (
            store.attempts.begin("u", 50, PACE) == 0
        )  # the clock was set back: no pause lasts longer than the longest
        store.attempts.forgive("u", all=True)
        store.attempts.forgive("u", all=False)
        for _ in range(3):
            assert store.attempts.begin("u", 100, PACE) == 0
        store.attempts.forgive("u", all=False)
        assert [store.attempts.begin("u", 100, PACE) for _ in range(2)] == [0, 10]
        assert store.attempts.begin("u", 1100, PACE) == 0
        assert store.attempts.begin("u", 1100, PACE) == 0

    def test_many_at_once_do_not_get_past_the_count(self, store: Store) -> None:
        with ThreadPoolExecutor(6) as pool:
            waits = list(pool.map(lambda _: store.attempts.begin("u", 100, PACE), range(20)))
        assert waits.count(0) == 3

    def test_swept(self, store: Store) -> None:
        store.attempts.begin("u", 100, PACE)
        store.attempts.begin("v", 200, PACE)
        assert store.attempts.sweep(200) == 1
        assert store.attempts.sweep(201) == 1


CONTRACTS = (PeopleContract, SessionsContract, TicketsContract, AttemptsContract)
"""One for each port of ``ports/people.py`` that has a place in the store."""
