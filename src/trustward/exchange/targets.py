"""Where actions go, as the settings say it."""

from __future__ import annotations

from urllib.parse import urlsplit

from trustward.base.errors import SettingsError
from trustward.model.decision import VERDICT_OF_ACTION
from trustward.model.delivery import Target
from trustward.model.letter import LETTERS
from trustward.settings import Settings


def targets(settings: Settings) -> tuple[Target, ...]:
    """The targets. Raises SettingsError for what cannot be.

    >>> targets(Settings())
    ()
    """
    found = []
    for said in settings.targets:
        known = (*VERDICT_OF_ACTION, *LETTERS)
        unknown = next((verb for verb in said.actions if verb not in known), None)
        if unknown is not None:
            raise SettingsError(
                f"the target {said.name}: no such action: {unknown[:80]}",
                remedy=f"the actions are {', '.join(VERDICT_OF_ACTION)}; letters are {', '.join(LETTERS)}",
            )
        try:
            url = urlsplit(said.url)
            wrong = url.scheme not in {"http", "https"} or not url.hostname or url.username is not None or url.port == 0
        except ValueError:
            wrong = True
        if said.url and wrong:
            raise SettingsError(
                f"the target {said.name}: its url is none that webhooks are posted to",
                remedy="write it like https://shop.example/hook",
            )
        found.append(
            Target(
                name=said.name,
                url=said.url,
                secrets=said.secrets,
                actions=said.actions,
                lanes=said.lanes,
                decisions=said.decisions,
                confidential=said.confidential,
            )
        )
    return tuple(found)
