# ruff: noqa: E501 - the lines of a page
"""The model card of the links screener."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from models.links_data import Rows, rest_of
from trustward.screening.links import words as w
from trustward.screening.links.reasons import CATEGORIES, FACTS, UNDONE

Array = npt.NDArray[Any]

HEAD = """\
# Links

What the screener `link` is, how good it is, and what it cannot tell. This page is written by training (`make models`).

## What it is for

One link by itself, as somebody has posted it: undo what hides its target, find its registrable domain, say what is known
of its host, whether it passes itself off as a protected brand, and how likely it is harmful. It never opens a link, never
asks the network, and knows no list of known bad links: a service adds its own lists.

It is not for judging a page's content; nor for files, forms and notes on hosts that everybody shares (the host says
nothing there: most of them come out below `suspicious`); nor for fraud on an honest, hacked site whose path looks honest.

## How it works

1. **Plain form** (`normalise`): defanging, blanks and odd letters, invisible and direction marks, userinfo, escapes,
   numeric hosts, backslashes, trailing dots; and the link that a redirect leads on to, which is screened too: the
   harsher of the two counts.
2. **Lookups**: public suffix, kind of host, kind of ending, official domains of brands, popular domains.
3. **Look-alikes**: names of brands as a word, within a name, with look-alike letters, one edit away, in front of or
   behind an unrelated domain.
4. **Models**: two linear models over pieces of 3 to 5 characters (of the name that somebody chose, with its ending, and
   of the path), a model of how popular domains are spelt, and boosted trees over these and all that is counted. A
   country's ending or a script is never read: all countries' endings are one, and letters of other scripts are read as
   what they look like, or as neutral syllables.
5. **By judgement**: what tricks add to the log-odds (they are too rare to be learnt), and that a brand's own domain is
   harmless.

## Data and terms

| data | used for | terms |
| --- | --- | --- |
| `url_pdd` (Sahingoz et al., 2017) | rows to learn from | none stated: no row ships |
| `url_hannousse` (Hannousse and Yahiouche, 2020) | rows to learn from | CC BY 4.0 at the original: no row ships |
| `domain_scam_tranco` (five lists of scam domains) | rows to learn from | mixed: no row ships |
| written material in `models/material/links` | rows to learn from | the project's own |
| `email_spamassassin` (honest mail of 2002) | its links, for the thresholds only | public corpus: no row ships |
| Tranco, Majestic, Cisco, university and bank domains (MISP warning lists) | popular domains, spelling of names | CC0 1.0 |
| public-suffix list (package `publicsuffixlist`) | registrable domains | MPL 2.0 |
| brands, words, kinds of host | lookups | the project's own, with MISP lists (CC0 1.0) |

"""


def card(
    results: Sequence[Any],
    outside: Sequence[Any],
    held: tuple[Rows, Array],
    mail: Array,
    tested: tuple[Rows, Array, Array],
    borders: tuple[float, float],
    attacks: dict[str, float],
) -> str:
    """The card's text."""
    parts = [HEAD, _quality(results, outside), _alarms(*held, mail, borders), _calibration(*tested)]
    return "".join([*parts, _attacks(attacks), _tables(), WEAK])


_COLUMNS = (
    "harmful | honest | 1 %, popular known | 0.1 % | 1 %, popular hidden | 0.1 % |\n"
    "| --- | ---: | ---: | ---: | ---: | ---: | ---: |\n"
)


def _quality(results: Sequence[Any], outside: Sequence[Any]) -> str:
    lines = [
        "## Quality on what was never trained on\n\n",
        "Recall at 1 % and at 0.1 % false alarms. A source is left out as a whole, with every registrable domain that\n",
        "is in it, and the model is trained on the others. *Popular known* uses the list of popular domains as shipped;\n",
        "*popular hidden* does without it. For the five lists of scam domains the honest names are popular domains\n",
        "(three tenths of them, left out too), so only the hidden columns say something about names alone; the known\n",
        "columns say how a link fares whose domain nobody knows, among honest ones that somebody does.\n\n",
        f"| left out | {_COLUMNS}",
    ]
    lines += [_line(one) for one in outside]
    lines += [
        "\nThe usual baseline (pieces of 2 to 5 characters, logistic regression, no list) in the same setting: trained\n",
        "on `url_pdd`, tested on `url_hannousse`, 0.37; `gaso_pig_butchering` 0.07, `scamblocklist_shops` 0.11,\n",
        "`discord_antiscam` 0.09.\n\n",
        "## Quality on sets that were trained on\n\nTrained on seven tenths of the registrable domains, tested on the\n",
        f"others.\n\n| set | {_COLUMNS}",
    ]
    lines += [_line(one) for one in results]
    return "".join(lines) + "\n"


def _line(one: Any) -> str:
    figures = " | ".join(f"{value:.3f}" for value in (*one.known, *one.hidden))
    return f"| {one.name} | {one.harmful} | {one.honest} | {figures} |\n"


def _alarms(held: Rows, scores: Array, mail: Array, borders: tuple[float, float]) -> str:
    source = np.array(held.source)
    deep = np.array([len(rest_of(url)) > 1 for url in held.urls])
    web = np.isin(source, ("url_pdd", "url_hannousse"))
    endings = [group.rpartition(".")[2] for group in held.group]
    country = np.array([len(ending) == 2 and ending.isalpha() for ending in endings])
    lines = [
        "## The shipped thresholds\n\n",
        f"`suspicious` from {borders[0]:.3f}, `harmful` from {borders[1]:.3f}. On held-out registrable domains:\n\n",
        "| links | honest | suspicious or worse | harmful | phishing | found suspicious or worse | found harmful |\n",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: |\n",
    ]
    for name, chosen in (
        ("real pages and phishing, all", web),
        ("with a path", web & deep),
        ("without a path", web & ~deep),
        ("under a country's ending", web & country),
        ("2017 (`url_pdd`)", source == "url_pdd"),
        ("2020 (`url_hannousse`)", source == "url_hannousse"),
        ("names alone, popularity hidden", ~web),
    ):
        good, bad = chosen & (held.harmful == 0), chosen & (held.harmful == 1)
        alarms = " | ".join(f"{(scores[good] >= border).mean():.2%}" for border in borders)
        finds = " | ".join(f"{(scores[bad] >= border).mean():.1%}" for border in borders)
        lines.append(f"| {name} | {good.sum()} | {alarms} | {bad.sum()} | {finds} |\n")
    alarms = " | ".join(f"{(mail >= border).mean():.2%}" for border in borders)
    lines.append(f"| links in honest mail of 2002, never trained on | {len(mail)} | {alarms} | 0 | | |\n")
    return "".join(lines) + "\n"


def _calibration(held: Rows, scores: Array, weights: Array) -> str:
    lines = [
        "## Calibration\n\nAt even odds, on one half of the held-out domains, with the curve fitted on the other half:\n\n",
        "| score | rows | mean score | share harmful |\n| --- | ---: | ---: | ---: |\n",
    ]
    harmful = held.harmful.astype(np.float64)
    weights = weights.astype(np.float64).copy()
    for label in (0, 1):
        weights[harmful == label] *= 0.5 / weights[harmful == label].sum()
    for low, high in ((0, 0.1), (0.1, 0.3), (0.3, 0.5), (0.5, 0.7), (0.7, 0.9), (0.9, 1.01)):
        chosen = (scores >= low) & (scores < high)
        total = weights[chosen].sum()
        if total > 0:
            mean = (weights[chosen] * scores[chosen]).sum() / total
            share = (weights[chosen] * harmful[chosen]).sum() / total
            lines.append(f"| {low:.1f} to {min(high, 1):.1f} | {chosen.sum()} | {mean:.2f} | {share:.2f} |\n")
    return "".join(lines) + "\n"


def _attacks(attacks: dict[str, float]) -> str:
    lines = [
        "## Attacks\n\nOf phishing links that are suspicious or worse, the share that still is when they are written so:\n\n",
        "| written with | kept |\n| --- | ---: |\n",
    ]
    return "".join([*lines, *(f"| {name} | {share:.1%} |\n" for name, share in attacks.items())]) + "\n"


def _tables() -> str:
    lines = ["## Reasons\n\nReasons hold nothing of the link itself.\n\n| name | text |\n| --- | --- |\n"]
    lines += [f"| `{name}` | {text} |\n" for name, text in FACTS.values()]
    lines += [f"| `{name}` | {text} |\n" for name, text in UNDONE.values()]
    lines += ["\n## Categories\n\n", ", ".join(f"`{one}`" for one in CATEGORIES), ".\n\n"]
    lines += ["Classes of word: ", ", ".join(w.CLASSES[1:]), ".\n\n"]
    return "".join(lines)


WEAK = """\
## Known weaknesses

- Files, forms and pages on hosts that all share, and shortened links: a link alone does not tell; the reasons say what
  kind of host it is, so that a rule can ask for more.
- Hacked honest sites with an honest path.
- A name made to look like any honest name. Investment-scam and shop domains are often just that: by the name alone few
  are told from honest names, and what is found is found because the domain is unknown. See the table above.
- A scam site that has become popular: the list of popular domains makes it look honest. It is a list of one day;
  training renews it.
- The data's honest links are pages of 2017 and 2020 in mostly European languages; honest pages of other places come in
  as popular names with written paths.
- The share of attacks kept is measured with the shipped model on phishing links of its own data: it says what
  normalising keeps, not how good the model is.
- Categories are read from words in the name. They are a hint for sorting, no finding.
"""
