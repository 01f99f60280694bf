"""Contact points, identities and networks in rules: as keys of windows, as conditions, and in travel."""

from __future__ import annotations

from unicodedata import normalize

from hypothesis import given
from hypothesis import strategies as st

from trustward.engine.examples import run_examples
from trustward.model.catalogue import load_catalogue
from trustward.policy.compiled import load_policy
from trustward.policy.source import Source
from trustward.screening.contacts.functions import FUNCTIONS as CONTACTS
from trustward.screening.functions import load_functions
from trustward.screening.identities import SCREENER as IDENTITY_SCREENERS
from trustward.screening.identities.functions import FUNCTIONS as IDENTITIES
from trustward.screening.networks import SCREENER as NETWORK_SCREENERS
from trustward.screening.networks.functions import FUNCTIONS as NETWORKS

POLICY = '''
"""What people share: mailboxes, numbers, handles; and what they cannot do."""

mailbox_users = distinct(event.account, by=canonical_email(event.email), within="30d", of="account.registered")
handle_users = distinct(event.sender, by=handles(event.text), within="1d", of="message.sent")
phone_users = distinct(event.sender, by=phones_in(event.text, "SG"), within="1d", of="message.sent")
# The sample catalogue knows no places: the length of a message stands for degrees.
before = previous(event.length, by=event.sender, of="message.sent")
speed = travel_speed(event.length, event.length, before, before, since(by=event.sender, of="message.sent"))

rule(
    id="shared-mailbox", on="account.registered", when=mailbox_users >= 2, then=[challenge(event.account)],
    reason="{mailbox_users} accounts share one mailbox", owner="identity",
    hits=[[{"account": "a1", "email": "x.y+1@gmail.com"}, {"account": "a2", "email": "XY@googlemail.com"}]],
    misses=[[{"account": "a1", "email": "x.y@example.org"}, {"account": "a2", "email": "xy@example.org"}]],
)
rule(
    id="odd-registration", on="account.registered",
    when=email(event.email).category == "disposable" or phone(event.phone).category == "premium"
    or address(event.ip).score >= 0.9 or agent(event.user_agent).score >= 0.9,
    then=[hold(event)], reason="an odd registration", owner="identity",
    hits=[
        {"account": "a", "email": "a@mailinator.com"}, {"account": "a", "phone": "+19005550123"},
        {"account": "a", "user_agent": "curl/8.6.0"},
    ],
    misses=[{"account": "a", "email": "joe@gmail.com", "phone": "+6591234567", "ip": "118.189.1.1"}],
)
rule(
    id="same-contact", on="message.sent", when=handle_users >= 2 or phone_users >= 2, then=[hold(event)],
    reason="several accounts give one contact", owner="messaging",
    hits=[
        [{"sender": "a", "text": "add telegram: abc_12"}, {"sender": "b", "text": "my tg is ＡＢＣ＿１２"}],
        [{"sender": "a", "text": "call 9123 4567"}, {"sender": "b", "text": "9 1 2 3-4 5 6 7"}],
    ],
    misses=[[{"sender": "a", "text": "call 9123 4567"}, {"sender": "b", "text": "call 9123 4568"}]],
)
rule(
    id="impossible-travel", on="message.sent", when=speed > 1000, then=[challenge(event.sender)],
    reason="{speed} km/h", owner="messaging",
    hits=[[{"sender": "a", "length": 1}, {"sender": "a", "length": 50}]],
    misses=[[{"sender": "a", "length": 1}, {"sender": "a", "length": 1}], {"sender": "a"}],
)
'''


def test_a_policy_uses_them_all() -> None:
    known = load_functions()
    functions = [
        function for function in (*CONTACTS, *IDENTITIES, *NETWORKS) if function.name not in known
    ]  # Those that are registered already are not given twice.
    catalogue = load_catalogue()
    policy = load_policy([Source("shared.policy", POLICY)], catalogue, functions=functions)
    assert run_examples(policy, catalogue) == []


@given(st.one_of(st.text(max_size=30), st.text(alphabet="１2①٣+@．.:a(ｂ½㎏Ⅳ", max_size=20)))
def test_normalising_changes_nothing(value: str) -> None:
    for screener in (*IDENTITY_SCREENERS, *NETWORK_SCREENERS):
        assert screener.screen(normalize("NFKC", value)) == screener.screen(value)


def test_scores_of_many_are_those_of_each() -> None:
    values = ["+6591234567", "", "a@mailinator.com", "10.0.0.1", "curl/8.6.0", "+6591234567"]
    for function in (*IDENTITIES, *NETWORKS):
        if function.scores is not None:
            assert function.call is not None
            expected = [function.call(value).score if value else 0.0 for value in values]
            assert function.scores(values).tolist() == expected
