"""Hosts whose links lead to an account on a messenger or at a payment service."""

from __future__ import annotations

import re

HANDLE_HOSTS = {
    "wa.me": "whatsapp",
    "api.whatsapp.com": "whatsapp",
    "t.me": "telegram",
    "telegram.me": "telegram",
    "telegram.dog": "telegram",
    "line.me": "line",
    "zalo.me": "zalo",
    "m.me": "facebook",
    "ig.me": "instagram",
    "instagram.com": "instagram",
    "join.skype.com": "skype",
    "open.kakao.com": "kakaotalk",
    "discord.gg": "discord",
    "snapchat.com": "snapchat",
    "viber.com": "viber",
}
PAYEES = {
    "paypal.me": ("paypal", re.compile(r"/([\w.-]{2,40})")),
    "paypal.com": ("paypal", re.compile(r"/paypalme/([\w.-]{2,40})")),
    "cash.app": ("cashapp", re.compile(r"/\$([\w-]{1,40})")),
    "venmo.com": ("venmo", re.compile(r"/(?:u/)?([\w-]{3,40})")),
    "revolut.me": ("revolut", re.compile(r"/([\w-]{3,40})")),
    "wise.com": ("wise", re.compile(r"/pay/me/([\w-]{3,40})")),
    "ko-fi.com": ("kofi", re.compile(r"/([\w-]{3,40})")),
}
