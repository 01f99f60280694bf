"""Secrets of authenticators: encrypted with a key in a file, bound to their users, and those of before."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from tests.api.served import Served
from tests.people.kit import Browser, code_of, joined
from trustward import bootstrap
from trustward.adapters.store.opened import open_store
from trustward.adapters.totp_key import TotpKey
from trustward.base.errors import SettingsError
from trustward.cli.exits import Exit
from trustward.cli.run import run
from trustward.model.people import User
from trustward.model.stored import AuditRow
from trustward.settings import Settings

SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
ROW = AuditRow(at_us=1, actor="a", action="user.invited", subject="user:u1", detail=b"{}")


def test_what_is_kept_opens_for_its_user_alone(tmp_path: Path) -> None:
    path = tmp_path / "data" / "totp.key"
    key = TotpKey(path, make=True)
    kept = key.seal("u1", SECRET)
    assert SECRET not in kept
    assert key.is_sealed(kept)
    assert not key.is_sealed(SECRET)
    assert kept != key.seal("u1", SECRET)
    assert path.stat().st_mode & 0o777 == 0o600
    assert TotpKey(path, make=False).open("u1", kept) == SECRET
    assert key.open("u1", SECRET) == SECRET
    for user, text in (("u2", kept), ("u1", kept[:-8] + "AAAAAAAA"), ("u1", kept[:14]), ("u1", kept + "é")):
        with pytest.raises(SettingsError, match="damaged, or another user's"):
            key.open(user, text)


def test_a_key_that_is_missing_wrong_or_open_to_others_says_what_to_do(tmp_path: Path) -> None:
    path, other = tmp_path / "totp.key", tmp_path / "other.key"
    kept = TotpKey(path, make=True).seal("u1", SECRET)
    TotpKey(other, make=True).seal("u1", SECRET)
    path.rename(tmp_path / "away")
    with pytest.raises(SettingsError, match=r"no key for authenticators.*restore the file"):
        TotpKey(path, make=True).open("u1", kept)
    assert not path.exists()
    with pytest.raises(SettingsError, match="no key for authenticators"):
        TotpKey(path, make=False).seal("u1", SECRET)
    with pytest.raises(SettingsError, match=r"encrypted with the key [0-9a-f]{8}, .*other\.key holds .*totp_key"):
        TotpKey(other, make=False).open("u1", kept)
    other.write_bytes(b"nonsense")
    with pytest.raises(SettingsError, match="this is no key"):
        TotpKey(other, make=True).open("u1", kept)
    other.chmod(0o640)
    with pytest.raises(SettingsError, match="others may read"):
        TotpKey(other, make=True).seal("u1", SECRET)
    with pytest.raises(SettingsError, match="cannot be written"):
        TotpKey(other / "x", make=True).seal("u1", SECRET)


def test_a_new_authenticator_is_kept_encrypted_and_an_old_one_from_its_next_code(desk: Served) -> None:
    browser, secret = joined(desk, "sealed-1")
    people = desk.service.store.people
    user = people.named("sealed-1")
    assert user is not None
    assert user.totp.startswith("aes1.")
    assert secret not in user.totp
    # As an earlier version has kept it.
    assert people.seal_totp(user.id, user.totp, secret)
    assert Browser(desk).sign_in("sealed-1", code="000000").status == 401
    used = code_of(secret)
    assert Browser(desk).sign_in("sealed-1", code=used).status == 200
    user = people.get(user.id)
    assert user is not None
    assert user.totp.startswith("aes1.")
    assert Browser(desk).sign_in("sealed-1", code=used).status == 401
    assert Browser(desk).sign_in("sealed-1", code=code_of(secret, 1)).status == 200
    assert browser.ask("GET", "/v1/session").status == 200


def test_without_its_key_a_code_is_answered_with_the_remedy(
    desk: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, secret = joined(desk, "sealed-2")
    monkeypatch.setattr(desk.service.desk.signing_in, "sealing", TotpKey(tmp_path / "totp.key", make=True))
    answer = Browser(desk).sign_in("sealed-2", code=code_of(secret))
    assert (answer.status, answer.json["code"]) == (500, "TW-110")
    assert secret not in answer.body.decode()
    monkeypatch.undo()
    assert Browser(desk).sign_in("sealed-2", code=code_of(secret)).status == 200


def test_an_upgrade_encrypts_what_is_not_yet(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = tmp_path / "data"
    store = open_store("", data)
    for name, totp in (("kim", SECRET), ("lee", ""), ("max", SECRET)):
        store.people.add(User(id=f"u-{name}", name=name, totp=totp), ROW)
    store.close()
    own = tmp_path / "elsewhere.key"
    settings = Settings(data=str(data))
    bootstrap.upgrade(settings)
    key = TotpKey(data / "totp.key", make=False)
    users = {user.name: user for user in bootstrap.list_users(settings)}
    assert [key.open(user.id, user.totp) for user in users.values()] == [SECRET, "", SECRET]
    assert users["lee"].totp == ""
    assert users["kim"].totp != users["max"].totp
    bootstrap.upgrade(settings)
    assert {user.name: user for user in bootstrap.list_users(settings)} == users
    (data / "totp.key").rename(own)
    assert run(["db", "upgrade", "--data", str(data)]) == Exit.USAGE
    assert "restore the file" in capsys.readouterr().err
    assert not (data / "totp.key").exists()
    bootstrap.upgrade(msgspec.structs.replace(settings, totp_key=str(own)))
