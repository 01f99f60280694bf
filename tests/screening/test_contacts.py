"""Contact points out of running text: what must be found, what must not, and that no text breaks it."""

from __future__ import annotations

import random

import phonenumbers
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trustward.screening import contacts as room
from trustward.screening.contacts import LONGEST, MOST, contacts, read
from trustward.screening.contacts.checks import bech32_ok, brand_of, crypto_kind, iban_ok, luhn_ok, masked
from trustward.screening.contacts.functions import FUNCTIONS, links, phones, phones_of
from trustward.screening.contacts.phones import e164
from trustward.screening.contacts.view import view
from trustward.screening.functions import load_functions


def found(text: str, region: str = "") -> list[tuple[str, str]]:
    return [(contact.kind, contact.id) for contact in contacts(text, region)]


@pytest.mark.parametrize(
    ("text", "region", "number"),
    [
        ("Call me at 9123 4567 now", "SG", "+6591234567"),
        ("9 1 2 3 4 5 6 7", "SG", "+6591234567"),
        ("call 9I23 4S67", "SG", "+6591234567"),
        ("９１２３４５６７", "SG", "+6591234567"),
        ("9\u200b1\u200b2\u200b3\u200b4567", "SG", "+6591234567"),
        ("电话九一二三四五六七", "SG", "+6591234567"),
        ("手机 一三八〇〇一三八〇〇〇", "", "+8613800138000"),
        ("①③⑧⓪⓪①③⑧⓪⓪⓪", "", "+8613800138000"),
        ("𝟗𝟏𝟐𝟑𝟒𝟓𝟔𝟕", "SG", "+6591234567"),
        ("9️⃣1️⃣2️⃣3️⃣4️⃣5️⃣6️⃣7️⃣", "SG", "+6591234567"),
        ("9.1.2.3-4567", "SG", "+6591234567"),
        ("+1 (415) 555-2671", "", "+14155552671"),
        ("Call (415) 555-2671", "", "+14155552671"),
        ("0044 20 7183 8750", "", "+442071838750"),
        ("โทร 081-234-5678", "", "+66812345678"),
        ("gọi 0912 345 678 nhé bạn", "", "+84912345678"),
        ("전화 010-1234-5678", "", "+821012345678"),
        ("llama al 612 345 678", "ES", "+34612345678"),
        ("ligue 11 91234-5678", "BR", "+5511912345678"),
        ("звоните 8 912 345-67-89", "", "+79123456789"),
        ("hub 0812-3456-7890", "ID", "+6281234567890"),
        ("6591234567 whatsapp me", "", "+6591234567"),
        ("call 02-123-4567", "", "021234567"),
    ],
)
def test_phones(text: str, region: str, number: str) -> None:
    assert ("phone", number) in found(text, region)


@pytest.mark.parametrize(
    ("text", "region"),
    [
        ("order 91234567", "SG"),
        ("your OTP is 912345", "SG"),
        ("订单号 13800138000", "CN"),
        ("on 2024-11-26 10:30", "SG"),
        ("30/04/2022 11.00", "TH"),
        ("server 192.168.100.200", "SG"),
        ("SGD 91234567", "SG"),
        ("dial *966*210901#", "TH"),
        ("1,234,567.00", "SG"),
        ("I am 25 and my wife is 24", "SG"),
    ],
)
def test_numbers_that_are_no_phones(text: str, region: str) -> None:
    assert "phone" not in {kind for kind, _ in found(text, region)}


@pytest.mark.parametrize(
    ("text", "handle"),
    [
        ("Add me on Telegram: maria_88", "telegram:maria_88"),
        ("my ig is cute_girl99", "instagram:cute_girl99"),
        ("add me on Instagram: cutie.pie", "instagram:cutie.pie"),
        ("加微信abc_123 领取", "wechat:abc_123"),
        ("加V：hello888", "wechat:hello888"),
        ("➕v xiao5201314", "wechat:xiao5201314"),
        ("薇信 hao123hao", "wechat:hao123hao"),
        ("扣扣 12345678", "qq:12345678"),
        ("QQ群：123456789", "qqgroup:123456789"),
        ("ติดต่อ แอดไลน์ @shop99", "line:shop99"),
        ("add line id: abcshop", "line:abcshop"),
        ("LINE追加 id: neko22", "line:neko22"),
        ("카톡 abcd1234 문의", "kakaotalk:abcd1234"),
        ("텔레 @korean77", "telegram:korean77"),
        ("kết bạn zalo 0912345678 nhé", "zalo:+84912345678"),
        ("whatsapp +65 9123-4567", "whatsapp:+6591234567"),
        ("tulis ke wasap: +60 12-345 6789", "whatsapp:+60123456789"),
        ("schreib mir auf Telegram: hans_muell", "telegram:hans_muell"),
        ("ajoute-moi sur snapchat: lea.paris7", "snapchat:lea.paris7"),
        ("scrivimi su telegram @gianni_b", "telegram:gianni_b"),
        ("voeg mij toe op telegram: jan_nl", "telegram:jan_nl"),
        ("telegramdan yaz: @ahmet_06", "@ahmet_06"),
        ("пиши в телеграм ivan_77", "telegram:ivan_77"),
        ("تواصل واتساب 00971501234567", "whatsapp:+971501234567"),
        ("व्हाट्सएप +91 98765 43210", "whatsapp:+919876543210"),
        ("i-add mo ako sa viber +63 917 123 4567", "viber:+639171234567"),
        ("skype live:.cid.1234abcd", "skype:live:.cid.1234abcd"),
        ("cool_guy77 on telegram", "telegram:cool_guy77"),
        ("t.me/bigwin", "telegram:bigwin"),
        ("https://wa.me/6591234567?text=hi", "whatsapp:+6591234567"),
        ("tеlеgrаm: win_2024x", "telegram:win_2024x"),
        ("加Q 2938475610 详聊", "qq:2938475610"),
        ("无抵押秒批 +q2938475610", "qq:2938475610"),
        ("加Q群 839201746", "qqgroup:839201746"),
        ("VX xd88902", "wechat:xd88902"),
        ("我的绿泡泡 xd88902", "wechat:xd88902"),
        ("teIegram @abc888", "telegram:abc888"),
        ("텔레 abc888 문의", "telegram:abc888"),
        ("ㅋㅌ abc888", "kakaotalk:abc888"),
        ("LINE搜尋 abc888", "line:abc888"),
        ("wh@tsapp +44 7412 345678", "whatsapp:+447412345678"),
        ("WA 0812-3456-7890", "whatsapp:081234567890"),
        ("واتس 0501234567", "whatsapp:0501234567"),
        ("follow @nasa", "@nasa"),
    ],
)
def test_handles(text: str, handle: str) -> None:
    assert ("handle", handle) in found(text)


@pytest.mark.parametrize(
    "text",
    [
        "Tell us what line you work on",
        "olympus got one line is water resistant",
        "just lov this line: hurt me with the truth",
        "Tu código de WhatsApp es 884-201. No lo compartas.",
        "Votre code WhatsApp : 884-201",
        "Your Telegram login code: 482-913",
        "Seattle, WA 98101-1234",
        "VX 4000 series drill",
        "加q币100送20",
        "텔레비전 65인치",
        "the whatsapp group link",
        "Facebook is lame and so are you",
        "We'll skype later.",
        "watch?v=telOA6RIO8o",
        "the signal was weak in 2019",
        "see you at 5",
    ],
)
def test_words_that_are_no_handles(text: str) -> None:
    assert "handle" not in {kind for kind, _ in found(text)}


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("hxxps://evil[.]example[.]com/login?a=1, and", "https://evil.example.com/login?a=1"),
        ("see www.foo.co.uk/x.", "www.foo.co.uk/x"),
        ("go to bit.ly/3xYz now.Then call", "bit.ly/3xYz"),
        ("请点击abc.com领取", "abc.com"),
        ("http://短.cn/abc点击", "http://短.cn/abc"),
        ("visit maybank2u.com.my today", "maybank2u.com.my"),
        ("foo dot com", "foo.com"),
        ("ｗｗｗ．ｗｉｎ．ｃｏｍ", "www.win.com"),
        ("http://1.2.3.4:8080/x", "http://1.2.3.4:8080/x"),
        ("WAY2SMS.COM", "way2sms.com"),
        ("evil . com/x", "evil.com/x"),
        ("go to evil .com/login now", "evil.com/login"),
        ("go to evil. com/login", "evil.com/login"),
        ("www . evil . co . uk/a?b=1", "www.evil.co.uk/a?b=1"),
        ("my-bank . secure . net/a.", "my-bank.secure.net/a"),
        ("pay-now7 . top/k3", "pay-now7.top/k3"),
        ("ｅｖｉｌ ． ｃｏｍ/x", "evil.com/x"),
    ],
)
def test_links(text: str, url: str) -> None:
    assert ("url", url) in found(text)


@pytest.mark.parametrize(
    "text",
    [
        "ok.So we go",
        "seems.like",
        "e.g. a.b",
        "at 5.30pm",
        "Hi.How are you",
        "1.5.2024",
        "I am home . in/out whenever you like",
        "domains .com/.net cost the same",
        "ours ends on site. com/net are taken",
        "merci . info/conseil au guichet",
        "we stay here . top/bottom bunk is yours",
        "the end . com / org",
        "5 . 6/7",
    ],
)
def test_sentences_that_are_no_links(text: str) -> None:
    assert found(text) == []


@pytest.mark.parametrize(
    ("text", "mail"),
    [
        ("mail John.Doe@gmail.com.", "john.doe@gmail.com"),
        ("name (at) host dot com", "name@host.com"),
        ("email: john at gmail dot com", "john@gmail.com"),
        ("escribe a juan [arroba] correo [punto] es", "juan@correo.es"),
        ("邮箱abc@x.com联系", "abc@x.com"),
        ("ｊｏｈｎ＠ｇｍａｉｌ．ｃｏｍ", "john@gmail.com"),
        ("contact me .. Neeru105@ gmail.com", "neeru105@gmail.com"),
    ],
)
def test_mails(text: str, mail: str) -> None:
    assert ("email", mail) in found(text)


def test_no_mail_where_people_meet_at_a_place() -> None:
    assert found("Come by our room at some point so we can talk") == []


@pytest.mark.parametrize(
    ("text", "region", "account"),
    [
        ("pay 1BoatSLRHtKNngkdXEeobR76b53LETtpyT", "", "btc:1BoatSLRHtKNngkdXEeobR76b53LETtpyT"),
        ("bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq", "", "btc:bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq"),
        (
            "0x52908400098527886E0F7030069857D2E4169EE7",
            "",
            "eth:0x52908400098527886e0f7030069857d2e4169ee7",
        ),
        ("usdt TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t", "", "tron:TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t"),
        ("GB29 NWBK 6016 1331 9268 19 is mine", "", "iban:GB29NWBK60161331926819"),
        ("de89370400440532013000", "", "iban:DE89370400440532013000"),
        ("send to rahul.k@ybl", "", "upi:rahul.k@ybl"),
        ("paynow 91234567", "SG", "paynow:+6591234567"),
        ("พร้อมเพย์ 081-234-5678", "TH", "promptpay:+66812345678"),
        ("gcash 0917 123 4567", "PH", "gcash:+639171234567"),
        ("Pix: 123.456.789-09", "", "pix:123.456.789-09"),
        ("paypal.me/johnny", "", "paypal:johnny"),
        ("cash.app/$winner", "", "cashapp:winner"),
        ("venmo @abc888 or I cannot hold it", "", "venmo:abc888"),
        ("cash app $maria88", "", "cashapp:maria88"),
        ("Send it to my Cash App: $JaneDoe please", "", "cashapp:janedoe"),
        ("CashApp me at $kim_lee", "", "cashapp:kim_lee"),
        ("cash app ＄maria88", "", "cashapp:maria88"),
        ("just send it to $maria88 on Cash App", "", "cashapp:maria88"),
        ("DBS acc no 012-345678-9", "SG", "bank:0123456789"),
        ("BCA 1234567890 a.n. Budi", "ID", "bank:1234567890"),
        ("STK 1903456789012 Techcombank", "", "bank:1903456789012"),
        ("국민은행 123456-04-123456", "KR", "bank:12345604123456"),
    ],
)
def test_payment_accounts(text: str, region: str, account: str) -> None:
    assert ("payment_account", account) in found(text, region)


@pytest.mark.parametrize(
    "text",
    [
        "I paid with Cash App, $50 each",
        "cash app $20usd",
        "cash app $USD only",
        "you can buy $TSLA on Cash App",
        "cash app lets you buy $BTC",
        "cash only, $maria",
        "Cash App is down again",
    ],
)
def test_sums_and_shares_that_are_no_accounts(text: str) -> None:
    assert found(text) == []


def test_a_word_for_an_account_speaks_for_one_number() -> None:
    assert found("DBS acc 012-345678-9, 9123 4567", "SG") == [
        ("payment_account", "bank:0123456789"),
        ("phone", "+6591234567"),
    ]


def test_check_sums() -> None:
    assert crypto_kind("1BoatSLRHtKNngkdXEeobR76b53LETtpyX") == ""
    assert not bech32_ok("bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdx")
    assert not iban_ok("GB28NWBK60161331926819")
    assert found("GB28 NWBK 6016 1331 9268 19 is mine") == []
    assert not luhn_ok("0000000000000000")
    assert not luhn_ok("")
    assert brand_of("378282246310005") == "amex"


def test_a_card_is_never_given_whole() -> None:
    for text in ("card 4111 1111 1111 1111", "my bank card 4111111111111111 cvv 123"):
        assert ("card", "411111******1111") in found(text)
        assert "4111111111111111" not in str(found(text))
    assert masked("378282246310005") == "378282*****0005"


def test_places_are_those_of_the_text_as_given() -> None:
    text = "加\u200b微\u200b信：ａｂｃ１２３ 或 9️⃣1️⃣234567"
    for contact in contacts(text, "SG"):
        part = text[contact.start : contact.end]
        assert view(part).low.replace(" ", "") in contact.id or contact.id.endswith(view(part).low)


def test_more_than_can_be_given_is_said() -> None:
    for many in (
        "http://a.example/x " * 100_000,
        "9123 4567, " * 100_000,
        "a@b.com " * 60_000,
        "telegram: abc_1 " * 9_000,
        "1" * 1_000_000,
        "1 " * 100_000,
        "微信" * 60_000,
        "a." * 60_000,
        "a@" * 60_000,
    ):
        result = read(many, "SG")
        assert len(result.found) <= MOST
        assert result.more
    assert not read("9123 4567", "SG").more
    assert read("x" * (LONGEST + 1)).more


@settings(max_examples=60)
@given(st.text(max_size=200), st.sampled_from(["", "SG", "US", "ZZ", "!!", "中国"]))
def test_any_text_is_survived(text: str, region: str) -> None:
    first = read(text, region)
    assert first == read(text, region)
    for contact in first.found:
        assert 0 <= contact.start < contact.end <= len(text)
        contact.id.encode()


PIECES = [
    "telegram",
    "whatsapp",
    "加微信",
    "line",
    "@",
    ":",
    ".",
    "com",
    "http://",
    " ",
    "9123",
    "4567",
    "+65",
    "dot",
    "(at)",
    "DBS",
    "paynow",
    "\ud800",
    "\0",
    "\u200b",
    "①",
    "一",
    "İ",
    "bc1",
    "GB29",
    "1Boat",
    "[.]",
    "q",
    "v",
    "x_1",
    "de",
    "\n",
]


@given(st.lists(st.sampled_from(PIECES), max_size=30).map("".join))
def test_any_mixture_is_survived(text: str) -> None:
    for contact in contacts(text, "SG"):
        assert 0 <= contact.start < contact.end <= len(text)
        contact.id.encode()


def test_all_of_unicode_is_survived() -> None:
    for start in range(0, 0x110000, 50_000):
        contacts("".join(map(chr, range(start, min(start + 50_000, 0x110000)))), "SG")


def test_plans_are_read_as_the_library_reads_them() -> None:
    draw = random.Random(7)
    regions = ["SG", "US", "GB", "CN", "MY", "TH", "VN", "ID", "IN", "AR", "MX", "IT", "RU", "KZ", "JP", "KR", "DE"]
    for _ in range(1500):
        region = draw.choice(regions)
        example = phonenumbers.example_number(region)
        assert example is not None
        national = phonenumbers.national_significant_number(example)
        digits = draw.choice(["", "0", "+" + str(example.country_code), str(example.country_code)]) + national
        if draw.random() < 0.5:
            digits = digits[:-3] + f"{draw.randrange(1000):03}"
        try:
            number = phonenumbers.parse(digits, region)
            expected = (
                phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
                if phonenumbers.is_valid_number(number)
                else ""
            )
        except phonenumbers.NumberParseException:
            expected = ""
        assert e164(digits, region) == expected, (digits, region)


def test_functions_can_be_registered() -> None:
    known = load_functions(function for function in FUNCTIONS if function.name not in load_functions())
    assert {function.name for function in FUNCTIONS} <= set(known)
    assert phones("a 91234567") == ()
    assert phones_of("sg")("call 91234567 or 9123-4567") == ("+6591234567",)
    assert links("a.example.com/x a.example.com/x") == ("a.example.com/x",)
    for region in ("Singapore", "UK", "XX", ""):
        with pytest.raises(ValueError, match="no region with telephone numbers"):
            phones_of(region)


def test_names_of_the_room() -> None:
    assert set(room.__all__) == {"LONGEST", "MOST", "Contact", "Read", "contacts", "read"}
