"""Texts: what a message says, in any language, without knowing who wrote it. Weights load with the first text."""

from __future__ import annotations

from collections.abc import Sequence

from trustward.model.signal import Signal
from trustward.screening.screeners import Screener


def _screen(text: str) -> Signal:
    from trustward.screening.texts.screener import screen_text  # noqa: PLC0415 - the weights load when they are needed

    return screen_text(text)


def _screen_many(texts: Sequence[str]) -> list[Signal]:
    from trustward.screening.texts.screener import screen_texts  # noqa: PLC0415 - the same

    return screen_texts(texts)


SCREENER = Screener(
    name="text",
    about="A message in any language: how likely it is a scam, which kind, why, and the contact points that it names.",
    screen=_screen,
    screen_many=_screen_many,
    categories=(
        "phishing",
        "delivery",
        "prize",
        "job",
        "task",
        "loan",
        "investment",
        "romance",
        "authority",
        "company",
        "relative",
        "rental",
        "advance_fee",
        "gambling",
        "banned_goods",
        "account_trade",
        "spam",
        "none",
    ),
    harmless=(
        "Are you coming to dinner on Sunday? Mum makes her soup.",
        "Your code is 482913. Never share it with anyone.",
        "Bis morgen, ich bringe den Kuchen mit.",
    ),
    harmful=(
        "Dear customer, your account has been suspended. Verify now at http://secure-login-update.top/verify",
        "您的账户已被冻结，请立即点击 http://abc-icbc.top 验证身份，否则将扣除全部积分",
        "Su paquete está retenido en aduana, pague la tasa de 1,99 EUR aquí: https://correos-envio.xyz/pago",
    ),
)
