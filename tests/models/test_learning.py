"""Training: the same data give the same weights, thresholds hold their share, and the written material is in form."""

from __future__ import annotations

import re
import tomllib
from importlib import import_module
from inspect import signature
from pathlib import Path

import numpy as np
import pytest
from models import (
    learning,
    links,
    links_data,
    links_names,
    texts_attacks,
    texts_data,
    texts_lexicon,
    texts_registers,
)
from models.__main__ import NAMES

from scipy import sparse
from trustward.screening.texts import reader
from trustward.screening.texts.model import model
from trustward.screening.texts.registers import KOREAN, LETTER, NONE

KINDS = set(
    "phishing delivery prize job task loan investment romance authority company relative rental advance_fee gambling "
    "banned_goods account_trade spam ok.chat ok.work ok.code ok.bank ok.delivery ok.service ok.marketing ok.market "
    "ok.talk".split()
)
MADE = {"code", "number", "ref", "badlink", "goodlink"}


@pytest.mark.parametrize("lang", texts_data.languages())
def test_written_material_is_in_form(lang: str) -> None:
    slots = set(texts_data.slots(lang)) | MADE
    kinds = set()
    for path in sorted((texts_data.MATERIAL / "texts").glob(f"{lang}.*")):
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if line.startswith("#") or not line.strip():
                continue
            assert line.count("\t") == 1, (path.name, number)
            kind, text = line.split("\t")
            assert kind in KINDS, (path.name, number)
            assert set(re.findall(r"\{([a-z]+)\}", text)) <= slots, (path.name, number)
            kinds.add(kind)
    assert kinds == KINDS
    concepts = tomllib.loads((texts_data.MATERIAL / "concepts" / f"{lang}.toml").read_text(encoding="utf-8"))
    assert len(concepts) > 100


def test_what_is_only_measured_on_is_in_form_and_never_learned_from() -> None:
    fresh = texts_data.fresh()
    assert len({text.text for text in fresh}) == len(fresh) > 200
    assert {text.kind for text in fresh} <= KINDS
    assert {text.lang for text in fresh} <= set(texts_data.languages())
    assert {text.label for text in fresh} == {0.0, 1.0}
    learned = {text.text for lang in texts_data.languages() for text in texts_data.written(lang)}
    assert learned.isdisjoint(text.text for text in fresh)


def test_messages_are_made_the_same_every_time() -> None:
    first = [text for _, text in zip(range(200), texts_data.written("en"), strict=False)]
    assert first == [text for _, text in zip(range(200), texts_data.written("en"), strict=False)]
    assert not any("{" in text.text and "}" in text.text for text in first)


def test_a_small_model_learns_and_is_the_same_every_time() -> None:
    random = np.random.default_rng(1)
    rows = random.random((400, 12)) < 0.3
    labels = (rows[:, 0] | rows[:, 1]).astype(float)
    features = sparse.csr_matrix(rows.astype(np.float32))
    weight, every = np.ones(400), np.arange(400)
    first = learning.fit(features, labels, weight, every, alpha=1e-4, epochs=20)
    again = learning.fit(features, labels, weight, every, alpha=1e-4, epochs=20)
    assert first[1] == again[1]
    assert np.array_equal(first[0], again[0])
    scores = features @ first[0] + first[1]
    assert learning.recall_at(scores[labels == 1], scores[labels == 0]) == 1.0
    table, unit = learning.quantised(first[0])
    assert np.abs(table * unit - first[0]).max() < unit


def test_judgements_learned_together_are_right_and_the_same_every_time() -> None:
    random = np.random.default_rng(3)
    rows = random.random((600, 12)) < 0.3
    rare = np.zeros((600, 1), bool)
    rare[::100] = True
    labels = np.stack([rows[:, 0] | rare[:, 0], rows[:, 1]], axis=1).astype(float)
    features = sparse.csr_matrix(np.hstack([rows, rare]).astype(np.float32))
    weight, most = np.ones(600), np.arange(500)
    table, constants = learning.fit_together(features, labels, weight, most, passes=8)
    again, _ = learning.fit_together(features, labels, weight, most, passes=8)
    assert np.array_equal(table, again)
    scores = features @ table + constants
    for head in (0, 1):
        wanted = rows[500:, head]
        assert learning.recall_at(scores[500:, head][wanted], scores[500:, head][~wanted & ~rare[500:, 0]]) == 1.0
    # A judgement does not look at the other's sign, and what is rare is learned too.
    assert table[0, 0] > 2 * abs(table[0, 1])
    assert table[12, 0] > np.abs(table[2:12, 0]).max()


def test_a_message_with_a_label_between_counts_on_both_sides() -> None:
    features = sparse.csr_matrix(np.eye(3, dtype=np.float32)[[0, 1, 2] * 40])
    labels = np.array([[0.0, 1.0], [0.5, 0.0], [1.0, 0.0]] * 40)
    table, constants = learning.fit_together(features, labels, np.ones(120), np.arange(120), passes=40)
    low, middle, high = (table[:, 0] + constants[0]).tolist()
    assert low < -1 < middle < 1 < high


def test_judgements_have_a_weight_each() -> None:
    features = sparse.csr_matrix(np.ones((200, 1), np.float32))
    labels = np.stack([np.arange(200) % 2] * 2, axis=1).astype(float)
    weights = np.ones((200, 2))
    labels[:100, 0], weights[:100, 0] = 1.0, 0.0
    told, _ = learning.fit_together(features, labels, weights, np.arange(200), passes=2)
    labels[:100, 0] = 0.0
    again, _ = learning.fit_together(features, labels, weights, np.arange(200), passes=2)
    assert np.array_equal(told, again)


def test_the_same_word_may_mean_something_else_in_each_register() -> None:
    """Word 0 is harmful in one register and honest in the other; word 1 is harmful wherever no register is shown."""
    random = np.random.default_rng(5)
    words = random.random((900, 6)) < 0.4
    registers = np.repeat([NONE, LETTER, KOREAN], 300)
    wanted = np.select([registers == NONE, registers == LETTER], [words[:, 1], words[:, 0]], ~words[:, 0])
    family = sparse.csr_matrix(words.astype(np.float32))
    found = texts_registers.features([family, family, family], registers)
    folds, left_out = np.arange(900) % 5, np.arange(900) % 5 == 4
    sources = np.where(np.arange(900) == 0, "yt_comment_spam", "written")
    targets = np.stack([wanted, wanted], axis=1).astype(float)
    fit = texts_registers.fitted(found, targets, np.ones((900, 2)), sources, folds, left_out)
    scores = fit.scores(found.rows(left_out))
    for register in (NONE, LETTER, KOREAN):
        here = registers[left_out] == register
        right = wanted[left_out]
        assert learning.recall_at(scores[here & right], scores[here & ~right]) == 1.0


def test_honest_names_are_the_same_every_time() -> None:
    made = links_names.honest_names(["/", "/about", "/item/{n}"])
    assert made.urls == links_names.honest_names(["/", "/about", "/item/{n}"]).urls
    assert len(made.urls) == len(set(made.group)) > 2_000
    assert not any("{" in url or " " in url for url in made.urls)
    assert not made.harmful.any()
    assert made.hidden.all()
    with_path = sum("/" in url for url in made.urls) / len(made.urls)
    assert 0.2 < with_path < 0.3
    assert links_data.host_of(next(url for url in made.urls if "/" in url)) in made.group


def test_thresholds_of_links_hold_in_each_group() -> None:
    web, mail = np.linspace(-5, 4, 7_000), np.linspace(-5, 5, 2_000)
    suspicious, harmful = links.thresholds([(web, 0.004, 0.0008), (mail, 0.004, 0.0005)], [-10, 10], [0.0, 1.0])
    for odds, share, less in ((web, 0.004, 0.0008), (mail, 0.004, 0.0005)):
        scores = np.interp(odds, [-10, 10], [0.0, 1.0])
        assert (scores >= suspicious).mean() <= share
        assert (scores >= harmful).mean() <= less


def test_calibration_rises_and_says_the_share() -> None:
    random = np.random.default_rng(2)
    scores = random.normal(size=20_000)
    labels = (random.random(20_000) < 1 / (1 + np.exp(-2 * scores))).astype(float)
    knots, levels = learning.calibration(scores, labels, np.ones(20_000))
    assert levels == sorted(levels)
    said = np.interp(scores, knots, levels)
    inside = (said > 0.75) & (said < 0.85)
    assert abs(labels[inside].mean() - 0.8) < 0.05


def test_thresholds_hold_their_shares() -> None:
    scores = np.linspace(0, 0.9, 10_000)
    bound = learning.threshold(scores, [list(range(9_000, 10_000))], 0.01, 0.02)
    assert (scores >= bound).mean() <= 0.01
    assert (scores[9_000:] >= bound).mean() <= 0.02


def test_everyday_words_of_other_languages_are_no_concepts() -> None:
    usual = texts_lexicon.everyday([("en", "the cat is in the house")] * 10 + [("vi", "nhap so the")])
    assert usual["the"]["en"] == 1.0
    found = texts_lexicon.concepts([("en", "the cat is in the house")] * 300)
    assert "the" not in found["card"]


def test_everyday_words_of_languages_without_a_set_are_no_concepts() -> None:
    common = texts_lexicon.most_used()
    assert {"sv", "no", "da", "fi"} <= set(common)
    assert "vi" in common["sv"]
    found = texts_lexicon.concepts([])
    assert "vi" not in found["wallet"]
    assert "vi dien tu" in found["wallet"]


def test_the_card_is_that_of_the_shipped_weights() -> None:
    card = (texts_data.MATERIAL.parents[1] / "docs" / "models" / "texts.md").read_text(encoding="utf-8")
    assert f"`{model().numbers.version}`" in card


def test_shipped_lexicon_is_that_of_the_material() -> None:
    entries = {line.split("\t")[1] for line in (reader.DATA / "concepts.txt").read_text(encoding="utf-8").splitlines()}
    written = {texts_lexicon.read_as(word) for word in ("account", "password", "银行", "paquete", "บัญชี")}
    assert written <= entries
    assert set(model().numbers.categories) <= KINDS


@pytest.mark.parametrize("name", texts_attacks.ATTACKS)
def test_tricks_change_words_and_leave_links(name: str) -> None:
    text = "Dear customer verify your account immediately otherwise suspended http://bank-login.top/verify"
    changed = {texts_attacks.ATTACKS[name](f"{text} number{i}") for i in range(5)}
    assert any(not one.startswith(text) for one in changed)
    assert all("http://bank-login.top/verify" in one for one in changed)


def test_narrowing_leaves_what_it_narrows() -> None:
    wide = sparse.csr_matrix(np.array([[1.0, 0, 0, 0, 2.0, 0, 0, 3.0]], np.float32))
    before = wide @ np.eye(8)
    narrowed = texts_registers.narrow(wide, 2) @ np.eye(4)
    assert narrowed.tolist() == [[3.0, 0.0, 0.0, 3.0]]
    assert np.array_equal(wide @ np.eye(8), before)


@pytest.mark.parametrize("name", NAMES)
def test_what_is_trained_has_one_way_in(name: str) -> None:
    signature(import_module(f"models.{name}").main).bind(Path("data"))
