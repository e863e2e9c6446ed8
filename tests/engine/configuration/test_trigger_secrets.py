"""Tests adding, ending and removing the secrets of triggers."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from relay.engine.configuration import flow_lifecycle, trigger_secrets
from relay.engine.intake.trigger_cache import TriggerCache
from relay.errors import RelayError
from relay.models import AuditEntry, Flow, Trigger, TriggerSecret


def flow_with(live: Callable[[dict[str, Any]], Flow], **trigger: Any) -> Flow:
    return live({"relay": 1, "name": "F", "trigger": {"kind": "webhook", **trigger}, "steps": []})


def test_a_secret_is_sealed(live: Callable[[dict[str, Any]], Flow]) -> None:
    flow = flow_with(live, preset="stripe")

    secret = trigger_secrets.add(flow, {"secret": "whsec_abc"})

    assert b"whsec_abc" not in bytes(secret.sealed)
    assert TriggerSecret.objects.get().unseal() == {"secret": "whsec_abc"}


@pytest.mark.parametrize(
    ("trigger", "values", "message"),
    [
        ({}, {"secret": "x"}, "This trigger verifies nothing with a secret"),
        ({"preset": "shipengine"}, {"secret": "x"}, "This trigger verifies nothing with a secret"),
        ({"preset": "stripe"}, {}, "Signing secret is needed"),
        ({"preset": "stripe"}, {"secret": ""}, "Signing secret is needed"),
        ({"preset": "stripe"}, {"secret": "a\nb"}, "Signing secret has a line break"),
        ({"preset": "stripe"}, {"secret": "x", "other": "y"}, "other unknown field"),
        ({"preset": "meta"}, {"secret": "x"}, "Verify token is needed"),
        ({"preset": "aws_sns"}, {"topic_arn": "x"}, "Topic ARN doesn't look right"),
        ({"verify": {"scheme": "basic"}}, {"password": "x"}, "User name is needed"),
    ],
)
def test_what_is_no_secret(
    live: Callable[[dict[str, Any]], Flow], trigger: dict[str, Any], values: dict[str, str], message: str
) -> None:
    with pytest.raises(RelayError, match=message):
        trigger_secrets.add(flow_with(live, **trigger), values)


def choose(flow: Flow, **trigger: Any) -> None:
    """Publish the flow with another sender."""
    flow.draft = {**flow.draft, "trigger": {"kind": "webhook", **trigger}}
    flow.save(update_fields=["draft"])
    flow_lifecycle.publish(flow)


STRIPE, GITHUB = {"preset": "stripe"}, {"preset": "github"}
TOKEN = {"verify": {"scheme": "header", "header": "X-Token"}}


@pytest.mark.parametrize(
    ("before", "after", "is_former"),
    [
        (STRIPE, STRIPE, False),
        (STRIPE, {**STRIPE, "verify": {"tolerance": 60}}, False),
        (TOKEN, {"verify": {"scheme": "header", "header": "X-Other"}}, False),
        (STRIPE, GITHUB, True),
        ({"preset": "clerk"}, {"preset": "resend"}, True),
        (STRIPE, TOKEN, True),
        (TOKEN, {**STRIPE, **TOKEN}, True),
        (STRIPE, {}, True),
    ],
)
def test_a_secret_counts_for_its_sender_alone(
    live: Callable[[dict[str, Any]], Flow], before: dict[str, Any], after: dict[str, Any], is_former: bool
) -> None:
    flow = flow_with(live, **before)
    secret = trigger_secrets.add(flow, {"secret": "whsec_c2VjcmV0"})

    choose(flow, **after)

    assert list(trigger_secrets.former_secrets(flow)) == [secret] * is_former
    door = TriggerCache().find(flow.trigger.token_digest)
    assert len(door.verifier._secrets if door and door.verifier else ()) == (not is_former)


def test_what_the_live_version_needs_is_not_former(live: Callable[[dict[str, Any]], Flow]) -> None:
    flow = flow_with(live, preset="stripe")
    trigger_secrets.add(flow, {"secret": "x"})
    flow.draft = {**flow.draft, "trigger": {"kind": "webhook", "preset": "github"}}
    trigger_secrets.add(flow, {"secret": "y"})

    before = trigger_secrets.former_secrets(flow).count()
    flow_lifecycle.publish(flow)
    removed = trigger_secrets.remove_former(flow)

    assert (before, removed) == (0, 1)
    assert [one.unseal() for one in flow.trigger.secrets.all()] == [{"secret": "y"}]
    assert AuditEntry.objects.filter(verb="secret.removed").count() == 1


def test_a_former_secret_keeps_no_set_up_from_being_answered(live: Callable[[dict[str, Any]], Flow]) -> None:
    flow = flow_with(live, preset="stripe")
    trigger_secrets.add(flow, {"secret": "x"})
    choose(flow, preset="asana")

    taken = [trigger_secrets.accept_handshake_secret(flow.pk, "asana", "brought", part="secret") for _ in range(2)]

    assert taken == [True, False]


def test_an_end_is_in_the_future(live: Callable[[dict[str, Any]], Flow]) -> None:
    flow = flow_with(live, preset="stripe")

    with pytest.raises(RelayError, match="The end of a secret is in the future"):
        trigger_secrets.add(flow, {"secret": "x"}, until=timezone.now() - timedelta(seconds=1))


def test_there_is_an_end_to_secrets(live: Callable[[dict[str, Any]], Flow]) -> None:
    flow = flow_with(live, preset="stripe")
    for number in range(trigger_secrets.MAX_SECRETS):
        trigger_secrets.add(flow, {"secret": f"s{number}"})

    with pytest.raises(RelayError, match="A trigger may have 10 secrets"):
        trigger_secrets.add(flow, {"secret": "one more"})


def test_every_change_is_told_to_ingest_and_noted(live: Callable[[dict[str, Any]], Flow]) -> None:
    flow = flow_with(live, preset="stripe")
    AuditEntry.objects.all().delete()
    numbers = [Trigger.objects.get().revision]

    for change in (
        lambda: trigger_secrets.add(flow, {"secret": "x"}),
        lambda: trigger_secrets.end(TriggerSecret.objects.get()),
        lambda: trigger_secrets.remove(TriggerSecret.objects.get()),
    ):
        change()
        numbers.append(Trigger.objects.get().revision)

    assert len(set(numbers)) == 4
    noted = AuditEntry.objects.order_by("pk").values_list("verb", "thing")
    assert list(noted) == [("secret.added", "F"), ("secret.ended", "F"), ("secret.removed", "F")]


def test_a_secret_goes_with_its_flow(live: Callable[[dict[str, Any]], Flow]) -> None:
    flow = flow_with(live, preset="stripe")
    trigger_secrets.add(flow, {"secret": "x"})

    flow_lifecycle.delete(flow)

    assert not TriggerSecret.objects.exists()
