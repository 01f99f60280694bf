"""The taxonomy's files: faults are told as a compiler would, a service's own files add to the shipped ones."""

from __future__ import annotations

import gzip
from pathlib import Path

import msgspec
import pytest

from trustward.base.errors import UsageError
from trustward.screening.goods import compiled, taxonomy
from trustward.screening.goods.screen import check_taxonomy, load_taxonomy, shipped_goods

GOOD = """
[durians]
title = "Durians"
severity = "low"
licence = ["SG"]
hits = ["Durian D24 fresh"]
misses = ["Durian cookies"]
[durians.offers]
en = ["[fresh|d24] durian", "durian [d24|musang king]"]
"""


def test_the_shipped_files_have_no_faults() -> None:
    assert check_taxonomy() == []


def test_the_compiled_file_is_that_of_its_sources() -> None:
    kept = gzip.decompress((taxonomy.DATA / "compiled.json.gz").read_bytes())
    written = taxonomy.read(taxonomy.shipped())
    assert msgspec.json.encode(compiled.index_of(written)) == kept, "run models/goods.py"


def test_there_are_examples_for_every_category_and_words_in_six_languages_for_the_core() -> None:
    written = taxonomy.read(taxonomy.shipped())
    assert all(len(category.hits) >= 1 and len(category.misses) >= 1 for category in written.categories)
    core = {"phone-cards", "bank-accounts", "real-name-accounts", "identity-papers", "invoices", "counterfeit"}
    for number, category in enumerate(written.categories):
        languages = {entry.language for entry in written.entries if entry.owner == number and entry.kind <= 4}
        if category.id in core:
            assert languages >= {"zh", "en", "ms", "th", "vi", "id"}, category.id


def test_a_text_adds_a_category() -> None:
    own = load_taxonomy([GOOD])
    assert check_taxonomy([GOOD]) == []
    assert own.screen_listing({"title": "Durian D24 fresh", "market": "SG"}).category == "durians"
    assert own.screen_listing({"title": "Sewa akaun bank"}).category == "bank-accounts"
    assert own.words.version != shipped_goods().words.version
    assert shipped_goods().screen_listing({"title": "Durian D24 fresh", "market": "SG"}).category == ""


def test_a_file_adds_words_and_changes_markets(tmp_path: Path) -> None:
    path = tmp_path / "own.toml"
    path.write_text('[vapes]\nforbidden = ["US"]\n[vapes.offers]\nen = ["puffer stick"]\n', "utf-8")
    own = load_taxonomy([path])
    assert own.screen_listing({"title": "Puffer stick", "market": "US"}).verdict == "harmful"
    assert own.screen_listing({"title": "Vape", "market": "US"}).verdict == "harmful"
    assert own.screen_listing({"title": "Vape", "market": "TH"}).verdict == "ok"


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("[a-b]\ntitle = \n", "<text 1>:2:9: no proper TOML"),
        ("[durians]\nofers = 1\n", "<text 1>:2:1: unknown or of the wrong type: 'ofers'; did you mean 'offers'?"),
        ("[Durians]\n", "<text 1>:1:1: 'Durians' is no id"),
        ("[durians]\n", "<text 1>:1:1: 'durians' has no title, no hits, no misses, no forbidden or licence"),
        ('[vapes]\nforbidden = ["Sg"]\n', "<text 1>:2:14: 'Sg' is no market"),
        ('[vapes]\nseverity = "huge"\n', "<text 1>:2:1: severity 'huge' is none of low, medium, high"),
        ("[vapes.offers]\nen = 3\n", "<text 1>:2:1: 'en' must be a list of texts"),
        ('[vapes.offers]\nenglish = ["a b"]\n', "<text 1>:2:1: 'english' is no code of a language"),
        ('[vapes.offers]\nen = ["a b", "a b"]\n', "<text 1>:2:7: 'a b' is there twice"),
        ('[vapes.offers]\nen = ["x [a"]\n', "<text 1>:2:7: 'x [a': a bracket without its other half"),
        ('[vapes.offers]\nen = [" "]\n', "<text 1>:2:7: ' ': a word has 1 to 80 characters"),
        ('[vapes.offers]\nen = ["x"]\n', "<text 1>: vapes: 'x' is too short to be a word by itself"),
        ('[vapes]\nhits = ["Apple juice"]\n', "<text 1>:2:9: vapes: the hit 'Apple juice' comes out as ok"),
        ("[shared.brands.x]\nusd = 0\nwords = []\n", "<text 1>:1:1: brand 'x' needs usd"),
        ("[shared.currencies]\nsgd = 1\n", "<text 1>:2:1: 'sgd' needs a code of three letters"),
        ("title = 1\n", "<text 1>:1:1: 'title' stands outside a category"),
    ],
)
def test_faults_have_a_place(text: str, fault: str) -> None:
    assert any(message.startswith(fault) for message in check_taxonomy([text])), check_taxonomy([text])


def test_all_faults_are_told_at_once() -> None:
    with pytest.raises(UsageError) as raised:
        load_taxonomy(["[a1]\nofers = 1\n", "[b1]\nmises = 1\n"])
    assert "<text 1>:2:1" in str(raised.value)
    assert "<text 2>:2:1" in str(raised.value)


def test_too_many_choices() -> None:
    word = "[1|2|3|4|5|6|7|8|9|0]" * 3
    assert "stands for more than 400 words" in check_taxonomy([f'[vapes.offers]\nen = ["{word}"]\n'])[0]
