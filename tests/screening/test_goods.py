"""Listings against the taxonomy: what is found, what is left alone, and what a market changes."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trustward.model.signal import Signal
from trustward.screening import goods
from trustward.screening.functions import load_functions
from trustward.screening.goods.evidence import Evidence, only_elsewhere
from trustward.screening.goods.functions import FUNCTIONS, goods_scores
from trustward.screening.goods.screen import shipped_goods
from trustward.screening.screeners import screeners


def screen(title: str, **fields: object) -> Signal:
    return goods.screen_listing({"title": title, **fields})


@pytest.mark.parametrize(
    ("title", "category"),
    [
        ("实名电话卡 批发 秒发", "phone-cards"),
        ("電話卡 免實名 香港", "phone-cards"),
        ("Kad SIM siap daftar nama orang lain", "phone-cards"),
        ("ซิมลงทะเบียนแล้ว ราคาส่ง", "phone-cards"),
        ("Sim rác số lượng lớn", "phone-cards"),
        ("Perdana sudah registrasi NIK orang lain", "phone-cards"),
        ("银行卡四件套 带U盾", "bank-accounts"),
        ("บัญชีม้า รับซื้อ", "bank-accounts"),
        ("Cho thuê tài khoản ngân hàng", "bank-accounts"),
        ("Verified Binance account for sale", "real-name-accounts"),
        ("办证 身份证 驾驶证", "identity-papers"),
        ("代开发票 点数低", "invoices"),
        ("Bán hóa đơn đỏ", "invoices"),
        ("Tas LV KW super", "counterfeit"),
    ],
)
def test_found(title: str, category: str) -> None:
    signal = screen(title)
    assert (signal.category, signal.verdict) == (category, "harmful")


@pytest.mark.parametrize(
    "title",
    [
        "SIM card tray for iPhone",
        "SIM eject pin",
        "Card game for two",
        "Gift card holder",
        "Credit card wallet",
        "Passport cover",
        "ID card sleeve",
        "Invoice template software",
        "Receipt printer paper",
        "Toy gun",
        "Water pistol",
        "Real Name, a novel",
        "手机卡套",
        "取卡针",
        "名片",
        "充电卡座",
        "Phone case with card slot",
        "Sarung kad",
        "Banknote counter",
        "Printer ink, 1:1 replacement",
        "床上四件套 纯棉",
        "Ví đựng thẻ",
        "ปกพาสปอร์ต",
        "Dompet kartu ATM",
        "",
    ],
)
def test_harmless_neighbours(title: str) -> None:
    signal = screen(title)
    assert (signal.verdict, signal.category) == ("ok", "")


@pytest.mark.parametrize(
    "title",
    [
        "银-行-卡-四-件-套",
        "银 行 卡 四 件 套",
        "银行咔四件套",
        "艮行卡四件套",
        "銀行卡四件套",
        "💳四件套 银行卡四件桃",
        "银行\u200b卡四件套",
    ],
)
def test_tricks_in_chinese(title: str) -> None:
    assert screen(title).category == "bank-accounts"


@pytest.mark.parametrize(
    "title",
    [
        "r.e.p.l.i.c.a r.o.l.e.x",
        "Repl1ca R0lex",
        "R e p l i c a, r o l e x",
        "Rерlica Rоlех",
        "ＲＥＰＬＩＣＡ ＲＯＬＥＸ",
    ],
)
def test_tricks_in_latin_letters(title: str) -> None:
    assert screen(title).category == "counterfeit"


def test_a_spelling_trick_is_a_reason() -> None:
    assert any("homophones" in reason for reason in screen("银行咔租赁").reasons)
    assert any("signs between" in reason for reason in screen("代-开-发-票").reasons)


@pytest.mark.parametrize(
    ("market", "verdict", "words"),
    [
        ("SG", "harmful", "may not be sold in SG"),
        ("CN", "suspicious", "needs a licence in CN"),
        ("US", "ok", "may be sold in US"),
        ("", "ok", "no market given"),
    ],
)
def test_the_market_decides(market: str, verdict: str, words: str) -> None:
    signal = screen("Disposable vape", market=market)
    assert signal.verdict == verdict
    assert signal.category == "vapes"
    assert signal.reasons[-1].startswith(words)


def test_another_category_counts_where_one_is_lawful() -> None:
    assert screen("Disposable vape and cocaine", market="US").category == "drugs"


def test_a_price_far_too_low() -> None:
    cheap = screen("Rolex Datejust new", price=30, currency="SGD")
    assert cheap.category == "counterfeit"
    assert any("price" in reason for reason in cheap.reasons)
    assert screen("Rolex Datejust new", price=9000, currency="SGD").verdict == "ok"
    assert screen("Rolex Datejust new", price=30, currency="XXX").verdict == "ok"
    assert screen("Rolex watch strap", price=30, currency="SGD").verdict == "ok"


@pytest.mark.parametrize("price", [float("nan"), float("inf"), -1, 0, True, "30", None])
def test_odd_prices_say_nothing(price: object) -> None:
    assert screen("Rolex Datejust new", price=price, currency="SGD").verdict == "ok"


def test_the_description_counts_less_than_the_title() -> None:
    told = screen("Item as described", description="Bank account for rent, with debit card")
    assert told.category == "bank-accounts"
    weights = shipped_goods().weights
    assert only_elsewhere(shipped_goods().found({"title": "", "description": "Bank account for rent"})[0].evidence) > 0
    assert weights.weights["offer"] > only_elsewhere(Evidence())
    assert told.reasons[0] == "words for it in the description"


def test_the_listings_own_category() -> None:
    plain = screen("AK47 rifle")
    toy = screen("AK47 rifle", category="Toys & games")
    assert toy.score < plain.score
    assert "the listing's own category is another" in toy.reasons


def test_no_personal_data_in_reasons() -> None:
    signal = screen("Bank account for rent, call 91234567, a@b.example")
    assert "91234567" not in " ".join(signal.reasons)


def test_many_are_as_one() -> None:
    listings = [{"title": title} for title in ("SIM tray", "代开发票", "", "Sewa akaun bank")] * 150
    assert goods.screen_listings(listings) == [goods.screen_listing(listing) for listing in listings]


def test_the_screener_is_found() -> None:
    screener = screeners()["listing"]
    assert set(screener.categories) == {category.id for category in shipped_goods().words.categories}
    assert all(screener.screen(value).verdict == "ok" for value in screener.harmless)
    assert all(screener.screen(value).verdict != "ok" for value in screener.harmful)


def test_functions() -> None:
    known = load_functions([f for f in FUNCTIONS if f.name not in load_functions()])
    goods_of = known["goods"].call
    assert goods_of is not None
    assert goods_of("代开发票").category == "invoices"
    texts = ["代开发票", "", "SIM tray"]
    assert goods_scores(texts).tolist() == [goods_of(text).score if text else 0.0 for text in texts]
    within = known["goods_in"].prepare
    assert within is not None
    assert within("SG")("Disposable vape").verdict == "harmful"
    with pytest.raises(ValueError, match="two capital letters"):
        within("Singapore")
    with pytest.raises(ValueError, match="ISO 3166 says GB"):
        within("UK")
    both = known["listing_in"].prepare
    assert both is not None
    assert both("SG")("Sweet", "Disposable vape, 8000 puffs").verdict == "harmful"


@settings(max_examples=60, deadline=None)
@given(st.fixed_dictionaries({"title": st.text(max_size=80)}, optional={"description": st.text(max_size=80)}))
def test_any_text_is_survived(listing: dict[str, str]) -> None:
    signal = goods.screen_listing(listing)
    assert 0 <= signal.score <= 1
    assert signal == goods.screen_listing(listing)


@pytest.mark.parametrize(
    "title", ["\ud800卡\udfff", "\0" * 50, "卡" * 100_000, "sim " * 100_000, "🧾" * 9_000, "a.b." * 9_000]
)
def test_hard_texts_are_survived(title: str) -> None:
    assert isinstance(screen(title, description=title), Signal)


def test_all_of_unicode_is_survived() -> None:
    for start in range(0, 0x110000, 4_000):
        screen("".join(map(chr, range(start, min(start + 4_000, 0x110000)))))


def test_a_signal_can_be_written() -> None:
    assert b"bank-accounts" in msgspec.json.encode(screen("Sewa akaun bank"))
