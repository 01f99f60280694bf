"""Texts: what is undone, what is understood in any language, and that one and many agree with the rules' scores."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trustward.screening.folding import APART, HIDDEN, LEET, MIXED, fold
from trustward.screening.plain import template
from trustward.screening.texts import kernel
from trustward.screening.texts.model import model
from trustward.screening.texts.registers import CHINESE, KOREAN, LETTER, NONE, THAI
from trustward.screening.texts.screener import combined, likeness, screen_text, screen_texts, text_scores

SCAMS = {
    "phishing": "Dear customer, your account has been suspended. Verify now at http://secure-login-update.top/verify",
    "delivery": "Su paquete está retenido en aduana, pague la tasa de 1,99 EUR aquí: https://correos-envio.xyz/pago",
    "job": "Part-time job from home, no experience, earn 500 a day liking videos. WhatsApp +65 9123 4567",
    "relative": "Hi mum this is my new number, my phone broke. Can you send 500 to this account today?",
    "gambling": "Slot gacor hari ini! Bonus new member 100%, daftar sekarang http://slot88-gacor.vip",
    "loan": "Pinjaman online cair 5 menit tanpa jaminan, bunga rendah, hubungi WA 0812-3456-7890",
    "investment": "加入老师股票群，内幕消息，稳赚不赔，加微信 vip8866 领取牛股",
}
HONEST = (
    "Are you coming to dinner on Sunday? Mum makes her soup.",
    "Your code is 482913. Never share it with anyone, not even our staff.",
    "DBS: $45.20 was spent with your card ending 1234 at NTUC. If this was not you, call the number on your card.",
    "Ihr Paket kommt heute zwischen 14 und 16 Uhr. Ihr DHL-Bote",
    "คืนนี้กินข้าวกันไหม แม่ทำแกงเขียวหวาน",
    "明天一起吃饭吗？我妈做了汤",
    "Recuerde su cita con el dentista mañana a las 10:30. Para cancelar responda NO.",
)


@pytest.mark.parametrize("kind", SCAMS)
def test_scams_are_found_and_named(kind: str) -> None:
    signal = screen_text(SCAMS[kind])
    assert signal.verdict != "ok"
    assert signal.category == kind
    assert signal.reasons


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("phishing", "Swedbank: ditt BankID spärras i kväll. Förnya det via länken https://bankid-fornya.top/se"),
        (
            "authority",
            "Skatteetaten: du har 3 900 kr til gode. Logg inn med BankID for utbetaling: https://skatt-penger.top",
        ),
        ("delivery", "Posti: pakettisi odottaa tullimaksua 2,99 euroa. Maksa tästä https://posti-tulli.top"),
        (
            "phishing",
            "SBI: your account will be blocked today. Install the attached KYC.apk, enter card number and OTP.",
        ),
        ("account_trade", "Earn money: lend us your bank account for a week, card and PIN, 800 in cash."),
    ],
)
def test_kinds_and_languages_learned_later_are_found_and_named(kind: str, text: str) -> None:
    signal = screen_text(text)
    assert signal.verdict != "ok"
    assert signal.category == kind


@pytest.mark.parametrize(
    "text",
    [
        "Ditt paket från Apotea finns att hämta på ICA. Ta med legitimation.",
        "Kan du swisha mig 120 för biljetten? Vi ses på stationen",
        "Koden din er 482913. Ikke del den med noen.",
        "Din tid hos tandlægen er torsdag kl. 9.30. Meld afbud dagen før.",
        "Moi äiti, puhelin melkein tyhjä, soitellaan illalla",
        "Police never arrest anybody by video call. Hang up and tell your bank.",
        "Sorry, I only take cash when you collect, no couriers please. I'm in all Saturday.",
    ],
)
def test_their_honest_neighbours_are_ok(text: str) -> None:
    assert screen_text(text).verdict == "ok"


@pytest.mark.parametrize("text", HONEST)
def test_honest_messages_are_ok(text: str) -> None:
    assert screen_text(text).verdict == "ok"


@pytest.mark.parametrize(
    ("written", "read", "tricks"),
    [
        ("P\u0430yp\u0430l acc0unt", "paypal account", MIXED | LEET),
        ("fr\u200bee m\u00adoney", "free money", HIDDEN),
        ("w i n n e r", "winner", APART),
        ("P.R.I.Z.E", "prize", APART),
        ("ＶＥＲＩＦＹ", "verify", 0),
        ("𝐯𝐞𝐫𝐢𝐟𝐲", "verify", 0),
        ("ⓥⓔⓡⓘⓕⓨ", "verify", 0),
        ("ve\u0301rifyi\u0302ng", "verifying", 0),
        ("v&#101;rify", "verify", 0),
        ("驗證帳戶", "验证帐户", 0),
        ("Привет, это Анна", "привет, это анна", 0),
        ("covid19 b2b 4g", "covid19 b2b 4g", 0),
        ("p4ypal.com/a1b", "p4ypal.com/a1b", 0),
        ("ยืนยันบัญชี", "ยืนยันบัญชี", 0),
    ],
)
def test_folding_reads_as_people_read(written: str, read: str, tricks: int) -> None:
    folded = fold(written)
    assert folded.text == read
    assert folded.tricks & tricks == tricks


def _concepts(text: str) -> set[str]:
    """The concepts that a text is read to speak of."""
    at_work = model()
    concepts = at_work.read(text).flags.item(kernel.FL_CONCEPTS)
    return {at_work.lexicon.concepts[number] for number in at_work._room.scratch[7][:concepts].tolist()}


@pytest.mark.parametrize(
    "text", ["I won't be late", "I won\u2019t be late", "I wont be late", "WON'T DO", "it won`t open"]
)
def test_will_not_is_no_winning(text: str) -> None:
    assert "winner" not in _concepts(text)


@pytest.mark.parametrize(
    "text", ["You won!", "you've won 500", "you won the prize, won't you come", "wont you see, you won", "he won two"]
)
def test_winning_is_read_as_winning(text: str) -> None:
    assert "winner" in _concepts(text)


@pytest.mark.parametrize(
    "text",
    [
        "Vi har spärrat ditt BankID, legitimera dig på nytt",
        "Vi ses hemma i kväll",
        "Vi har sperret din BankID",
        "Vi har modtaget din betaling på bilen",
    ],
)
def test_we_in_the_north_is_no_wallet_and_a_car_no_invoice(text: str) -> None:
    assert _concepts(text).isdisjoint({"wallet", "invoice"})


@pytest.mark.parametrize("text", ["Nạp tiền vào ví MoMo", "số dư ví của bạn", "your wallet", "portefeuille numérique"])
def test_a_wallet_is_read_as_one(text: str) -> None:
    assert "wallet" in _concepts(text)


@given(st.text(max_size=200))
def test_folding_twice_changes_nothing_in_case_or_spaces(text: str) -> None:
    once = fold(text).text
    assert once == once.strip()
    assert "  " not in once
    assert fold(text) == fold(text)


@given(st.lists(st.sampled_from([*SCAMS.values(), *HONEST, "", "\0", "\ud800", "http://", "a" * 5000]), max_size=20))
def test_one_many_and_scores_agree(texts: list[str]) -> None:
    ones = [screen_text(text) for text in texts]
    assert screen_texts(texts) == ones
    scores = [one.score if text else 0.0 for one, text in zip(ones, texts, strict=True)]
    assert text_scores(texts).tolist() == scores


@pytest.mark.parametrize(
    ("text", "register"),
    [
        ("Are you coming to dinner on Sunday?", NONE),
        ("Your order\n\nis on its way.\n\n", NONE),
        ("Your order\n\nDear Anna,\nit is on its way.", LETTER),
        ("คืนนี้กินข้าวกันไหม แม่ทำแกงเขียวหวาน", THAI),
        ("ผู้โชคดี\nรับรางวัล\nที่นี่", LETTER),
        ("OTP 482913 for your login at KBank, อย่าบอกใคร", NONE),
        ("明天一起吃饭吗？我妈做了汤 ok", CHINESE),
        ("明日一緒にご飯を食べませんか", NONE),
        ("내일 같이 저녁 먹을까요", KOREAN),
        ("", NONE),
    ],
)
def test_lines_and_alphabet_show_a_register(text: str, register: int) -> None:
    assert model().read(text).flags[kernel.FL_REGISTER] == register


def test_a_link_never_takes_harm_away() -> None:
    for words in (0.0, 0.2, 0.5, 0.9, 1.0):
        for link in (0.0, 0.3, 0.5, 0.7, 0.99, 1.0):
            assert combined(words, link, harmful=False) >= round(words, 4)
            assert combined(words, link, harmful=True) >= round(link, 4)


def test_contact_points_are_entities() -> None:
    entities = dict(screen_text("Add me on Telegram: @maria_88, +65 9123 4567, http://a-shop.example/x").entities)
    assert entities["handle"] == "telegram:maria_88"
    assert entities["phone"] == "+6591234567"
    assert entities["url"] == "http://a-shop.example/x"


def test_templates_are_shared_by_copies_and_likeness_by_near_copies() -> None:
    one = "Hi Anna, our team pays 500 a day for liking videos at home, write to us today on WhatsApp"
    copy = "HI ANNA our team pays 9 000 a day... for lik\u200bing videos at home, write to us today on WhatsApp!!"
    near = "Good morning Zoe, our team pays 300 a day for liking videos at home, write to us today on WhatsApp"
    other = "The dentist moved the appointment to Tuesday at three, please bring your insurance card with you"
    assert template(one) == template(copy)
    assert template(one) != template(near)
    assert set(likeness(one)) & set(likeness(near))
    assert not set(likeness(one)) & set(likeness(other))
    assert likeness("hello") == ()
    chinese = "您好老师股票群内幕消息稳赚不赔加微信领取牛股"
    assert set(likeness(chinese)) & set(likeness("亲爱的" + chinese))


@given(st.text(st.characters(codec="ascii"), max_size=80))
def test_a_template_of_ascii_is_that_of_what_is_read(text: str) -> None:
    assert template(text) == template(fold(text).text)


def test_categories_are_those_of_the_screener() -> None:
    from trustward.screening.screeners import screeners

    assert set(model().numbers.categories) <= set(screeners()["text"].categories)
