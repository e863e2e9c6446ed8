"""Tests of the choice of a trigger's sender, and of the page of its secrets."""

from __future__ import annotations

import copy
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.http import QueryDict
from django.test import Client
from django.urls import reverse

from relay.engine.configuration import flow_lifecycle, trigger_secrets
from relay.models import Flow, TriggerSecret
from relay.web.editor import sender_choice
from tests.support.browsing import collapsed

UNVERIFIED = "anyone who knows the URL can start this flow"


def page(client: Client, flow: Flow) -> str:
    return collapsed(client.get(reverse("flow", args=(flow.pk,))))


def choose(client: Client, flow: Flow, sender: str, **verify: str) -> None:
    data = {"step": "trigger", "form": "1", "do": "save", "sender": sender}
    client.post(reverse("edit-flow", args=(flow.pk,)), data | {f"verify.{key}": value for key, value in verify.items()})
    flow.refresh_from_db()


def posted(**fields: str) -> QueryDict:
    data = QueryDict(mutable=True)
    data.update({key.replace("__", "."): value for key, value in fields.items()})
    return data


def test_a_flow_says_that_it_is_unverified(alice: Client, flow: Flow) -> None:
    assert UNVERIFIED in page(alice, flow)


def test_a_sender_is_chosen(alice: Client, flow: Flow) -> None:
    choose(alice, flow, "stripe")

    assert flow.draft["trigger"] == {"kind": "webhook", "preset": "stripe"}
    shown = page(alice, flow)
    assert UNVERIFIED not in shown
    assert "No secret is stored:" in shown
    trigger_secrets.add(flow, {"secret": "whsec_abc"})
    shown = page(alice, flow)
    assert "Each request is signed with the secret, and may be 300 s old." in shown
    assert "whsec_abc" not in shown


def test_secrets_of_former_senders_are_listed_and_removed(alice: Client, flow: Flow) -> None:
    choose(alice, flow, "stripe")
    trigger_secrets.add(flow, {"secret": "whsec_abc"})
    choose(alice, flow, "github")
    listed = reverse("secrets", args=(flow.pk,))

    shown_page, before = page(alice, flow), alice.get(listed).content.decode()
    answer = alice.post(reverse("remove-former-secrets", args=(flow.pk,)), {"sure": "1"})

    assert "1 secret of a former sender is still stored" in shown_page
    assert "No secret is stored:" in shown_page
    assert "Secrets of former senders" in before
    assert "Stripe" in before
    assert answer.status_code == 302
    assert not TriggerSecret.objects.exists()
    assert "of a former sender" not in page(alice, flow)


PUSH = {"left": "{{ event.headers['x-github-event'] }}", "op": "in", "right": ["push", "ping"]}


@pytest.mark.parametrize(
    ("only", "sender", "types", "after"),
    [
        (None, "github", "push, ping\npush", PUSH),
        (PUSH, "github", "ping", {**PUSH, "right": ["ping"]}),
        (PUSH, "github", "", None),
        (PUSH, "stripe", "push", None),
        (PUSH, "", "push", None),
        ({"left": "{{ 1 }}", "op": "exists"}, "github", "push", {"left": "{{ 1 }}", "op": "exists"}),
        ({"left": "{{ 1 }}", "op": "exists"}, "stripe", "push", {"left": "{{ 1 }}", "op": "exists"}),
        ({**PUSH, "op": "not_in"}, "github", "x", {**PUSH, "op": "not_in"}),
        (None, "github", "{{x}}", None),
    ],
)
def test_types_of_event_are_the_triggers_own_condition(
    only: Any, sender: str, types: str, after: dict[str, Any] | None
) -> None:
    trigger = {"preset": "github", **({"only": only} if only else {})}

    sender_choice.apply(trigger, posted(sender=sender, event__types=types))

    assert trigger.get("only") == after


@pytest.mark.parametrize(
    ("before", "data", "after"),
    [
        ({"preset": "github"}, {"sender": "github", "body_type": "form"}, "form"),
        ({"preset": "github", "body_type": "form"}, {"sender": "github", "body_type": ""}, None),
        ({"preset": "github", "body_type": "form"}, {"sender": "github"}, "form"),
        ({"preset": "github", "body_type": "form"}, {"sender": "x", "body_type": "form"}, None),
        ({}, {"sender": "", "body_type": "<b>"}, None),
        ({}, {"sender": "", "body_type": "xml"}, "xml"),
    ],
)
def test_what_bodies_are_read_as_goes_with_the_sender(
    before: dict[str, Any], data: dict[str, str], after: str | None
) -> None:
    trigger = dict(before)

    sender_choice.apply(trigger, posted(**data))

    assert trigger.get("body_type") == after


@pytest.mark.parametrize(
    ("sender", "shown", "hidden"),
    [
        ("", ["what their Content-Type header says", ">XML<", ">JSON<"], ["sign the Content-Type"]),
        ("=hmac", ["what they look like", ">XML<", "sign the Content-Type"], []),
        ("github", ["what they look like", ">a form<"], [">XML<"]),
        ("stripe", [], ["Bodies are read as"]),
    ],
)
def test_a_choice_of_what_bodies_are_is_offered_where_there_is_one(
    alice: Client, flow: Flow, sender: str, shown: list[str], hidden: list[str]
) -> None:
    choose(alice, flow, sender)
    choose(alice, flow, sender, header="X-Sig")

    shown_page = page(alice, flow).replace("&#x27;", "'")

    assert [text for text in shown if text not in shown_page] == []
    assert [text for text in hidden if text in shown_page] == []


def test_only_those_types_run(alice: Client, flow: Flow) -> None:
    choose(alice, flow, "github")
    alice.post(
        reverse("edit-flow", args=(flow.pk,)),
        {"step": "trigger", "form": "1", "do": "save", "sender": "github", "event.types": "push"},
    )
    flow.refresh_from_db()

    flow_lifecycle.publish(flow)

    assert flow.draft["trigger"]["only"] == {**PUSH, "right": ["push"]}
    assert 'value="push"' in page(alice, flow)


def test_a_scheme_of_its_own_is_described(alice: Client, flow: Flow) -> None:
    choose(alice, flow, "=hmac")
    choose(
        alice,
        flow,
        "=hmac",
        header="X-Sig",
        algorithm="sha512",
        encoding="base64",
        prefix="v1=",
        signed="{timestamp}.{body}",
        timestamp="X-At",
        unit="ms",
        key="utf8",
        tolerance="60",
    )

    assert flow.draft["trigger"]["verify"] == {
        "scheme": "hmac",
        "header": "X-Sig",
        "algorithm": "sha512",
        "encoding": "base64",
        "prefix": "v1=",
        "signed": "{timestamp}.{body}",
        "timestamp": "X-At",
        "unit": "ms",
        "key": "utf8",
        "tolerance": 60,
    }
    assert 'value="{timestamp}.{body}"' in page(alice, flow)


def test_a_save_updates_the_verification_on_the_page(alice: Client, flow: Flow) -> None:
    choose(alice, flow, "=header")
    data = {"step": "trigger", "form": "1", "sender": "=header", "verify.header": "X-Token"}

    answer = alice.post(reverse("save-draft", args=(flow.pk,)), data, headers={"HX-Request": "true"})

    assert 'id="verified"' in answer.content.decode()
    assert "No secret is stored:" in answer.content.decode()


def test_a_scheme_that_cannot_be_verified_is_reported(alice: Client, flow: Flow) -> None:
    choose(alice, flow, "=hmac")
    choose(alice, flow, "=hmac", header="X-Sig", signed="{method}")

    assert "What is signed has to hold {body}" in page(alice, flow)


OLD = {"preset": "stripe", "verify": {"tolerance": 9}}
OPEN = {"preset": "github", "verify": {"scheme": "none"}}


@pytest.mark.parametrize(
    ("trigger", "fields", "after"),
    [
        ({"preset": "stripe"}, {"sender": ""}, {}),
        ({"preset": "stripe", "verify": {"tolerance": 9}}, {"sender": "github"}, {"preset": "github"}),
        (
            {"preset": "stripe"},
            {"sender": "stripe", "verify__tolerance": "60"},
            {"preset": "stripe", "verify": {"tolerance": 60}},
        ),
        (
            {"preset": "stripe", "verify": {"tolerance": 9}},
            {"sender": "stripe", "verify__tolerance": ""},
            {"preset": "stripe"},
        ),
        (
            {"preset": "stripe", "verify": {"tolerance": 9}},
            {"sender": "stripe", "verify__tolerance": "x"},
            {"preset": "stripe"},
        ),
        # The choice of an imported document stays until somebody chooses another.
        (
            {"preset": "github", "verify": {"scheme": "none"}},
            {"sender": "github none"},
            {"preset": "github", "verify": {"scheme": "none"}},
        ),
        ({"verify": {"scheme": "svix"}}, {"sender": "svix"}, {"verify": {"scheme": "svix"}}),
        ({"verify": {"scheme": "none"}}, {"sender": ""}, {"verify": {"scheme": "none"}}),
        ({"verify": "odd"}, {"sender": "", "verify__tolerance": ""}, {}),
        ({"preset": "stripe"}, {}, {"preset": "stripe"}),
    ],
)
def test_a_choice_becomes_the_document(trigger: dict[str, Any], fields: dict[str, str], after: dict[str, Any]) -> None:
    changed = copy.deepcopy(trigger)

    sender_choice.apply(changed, posted(**fields))

    assert changed == after


@pytest.fixture
def stripe(flow: Flow) -> Flow:
    flow_lifecycle.save_draft(flow, {**flow.draft, "trigger": {"kind": "webhook", "preset": "stripe"}})
    return flow


def test_a_secret_is_added_and_not_shown_again(alice: Client, stripe: Flow) -> None:
    address = reverse("secrets", args=(stripe.pk,))
    until = (datetime.now(UTC) + timedelta(days=30)).date().isoformat()

    answer = alice.post(address, {"value.secret": " whsec_abc ", "until": until})

    assert answer.status_code == 302
    secret = TriggerSecret.objects.get()
    assert secret.unseal() == {"secret": "whsec_abc"}
    assert secret.ends_at is not None
    assert secret.ends_at.date().isoformat() == until
    shown = alice.get(address).content.decode()
    assert "whsec_abc" not in shown
    assert "In use" in shown


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({}, "Signing secret is needed"),
        ({"value.secret": "x", "until": "soon"}, "The last day is a date"),
        ({"value.secret": "x", "until": "2001-01-01"}, "The end of a secret is in the future"),
    ],
)
def test_an_invalid_secret_is_refused(alice: Client, stripe: Flow, fields: dict[str, str], message: str) -> None:
    answer = alice.post(reverse("secrets", args=(stripe.pk,)), fields)

    assert answer.status_code == 422
    assert message in answer.content.decode()
    assert not TriggerSecret.objects.exists()


def test_a_secret_is_ended_and_removed(alice: Client, stripe: Flow) -> None:
    secret = trigger_secrets.add(stripe, {"secret": "x"})
    address = reverse("act-on-secret", args=(stripe.pk, secret.pk))

    alice.post(address, {"do": "end"})
    secret.refresh_from_db()
    assert secret.is_over
    alice.post(address, {"do": "remove", "sure": "1"})

    assert not TriggerSecret.objects.exists()


def test_only_a_secret_that_the_sender_brought_is_shown(alice: Client, stripe: Flow) -> None:
    entered = trigger_secrets.add(stripe, {"secret": "whsec_abc"})
    brought = trigger_secrets.add(stripe, {"secret": "secret_tMrl"})
    TriggerSecret.objects.filter(pk=brought.pk).update(by_handshake=True)

    shown = [
        alice.post(reverse("act-on-secret", args=(stripe.pk, one.pk)), {"do": "show"}, follow=True).content.decode()
        for one in (entered, brought)
    ]

    assert "whsec_abc" not in shown[0]
    assert "secret_tMrl" in shown[1]


def test_a_strangers_secrets_are_not_there(bob: Client, stripe: Flow) -> None:
    secret = trigger_secrets.add(stripe, {"secret": "x"})

    assert bob.get(reverse("secrets", args=(stripe.pk,))).status_code == 404
    assert bob.post(reverse("act-on-secret", args=(stripe.pk, secret.pk)), {"do": "remove"}).status_code == 404
    assert TriggerSecret.objects.exists()
