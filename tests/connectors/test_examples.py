"""Tests that the examples of senders are events as their presets verify and read them."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest

from relay.bodies import payloads
from relay.connectors import examples as folder
from relay.connectors import registry
from relay.connectors.examples import loader
from relay.connectors.examples.loader import Example
from relay.engine.intake.event_data import EventData
from relay.engine.intake.request_verification import ACCEPTED
from relay.errors import RelayError
from relay.flows.document import TriggerSettings
from relay.signatures import SenderRequest
from relay.templating import compile_leaf
from tests.signatures.conftest import NOW
from tests.support.genuine_requests import genuine_with
from tests.support.verifying import event_of, guard_of

KEYS = sorted(path.stem for path in Path(folder.__path__[0]).glob("*.json"))
EXAMPLES = [pytest.param(key, one, id=f"{key}: {one.name}") for key in KEYS for one in loader.list_examples(key)]
MOST_USED = (
    "asana calendly github gitlab hubspot jira mailchimp mollie paypal postmark sendgrid shopify slack slack_commands "
    "square stripe trello twilio typeform woocommerce zendesk"
).split()

# Their requests carry the secret itself, and nothing is signed.
ONLY_TOKENS = {"gitlab", "mailchimp", "postmark"}
NOT_THERE = [("github", "99"), ("github", "-1"), ("github", "x"), ("github", ""), ("github", "²"), ("../loader", "0")]


def test_each_file_is_of_a_preset_and_the_most_used_senders_have_one() -> None:
    assert set(KEYS) <= registry.presets().keys()
    assert set(MOST_USED) <= set(KEYS)
    for key in KEYS:
        names = [one.name for one in loader.list_examples(key)]
        assert names
        assert len(set(names)) == len(names)


@pytest.mark.parametrize(("key", "example"), EXAMPLES)
def test_an_example_is_verified_and_read_as_its_sender_means_it(key: str, example: Example) -> None:
    preset, trigger = registry.preset(key), TriggerSettings(kind="webhook", preset=key)
    made = genuine_with(preset, example.text.encode())
    request = made.request(**{name: text for name, text in example.headers.items() if name not in made.headers})
    forged = SenderRequest(request.method, request.url, request.headers, request.body + b" ")
    guard = guard_of(trigger, made.secret)

    event = event_of(trigger, request)
    seen = {"event": {"body": payloads.parse(event.body, event.content_type), "headers": dict(request.headers)}}

    assert guard.verify(request, NOW) == ACCEPTED
    assert (guard.verify(forged, NOW) == ACCEPTED) is (key in ONLY_TOKENS)
    assert str(compile_leaf(preset.event).render(seen)) == example.event
    assert EventData.from_json(example.as_event()).body == example.text.encode()


@pytest.mark.parametrize(("key", "example"), EXAMPLES)
def test_an_example_has_no_secret_and_only_hosts_of_examples_and_of_the_sender(key: str, example: Example) -> None:
    text = msgspec.json.encode(example).decode()

    assert example.headers["content-type"] in ("application/json", "application/x-www-form-urlencoded")
    assert all(name == name.lower() for name in example.headers)
    assert not re.search(r"localhost|127\.0\.0|10\.0\.|shpat_|xox[bp]-|sk_live|whsec_|hmac-sha256", text)


@pytest.mark.parametrize(("preset", "number"), [*NOT_THERE, ("", "0")])
def test_an_example_that_is_not_there(preset: str, number: str) -> None:
    with pytest.raises(RelayError, match="no such example"):
        loader.find(preset, number)
