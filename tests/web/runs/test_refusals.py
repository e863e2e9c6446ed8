"""Tests that a run's page says what a service has refused, and what to do about it."""

from __future__ import annotations

import json

import pytest
from django.test import Client
from django.utils import timezone

from relay.engine.intake import sample_events
from relay.models import Attempt, Flow, Run, RunState


@pytest.fixture
def run(flow: Flow) -> Run:
    run = sample_events.send_sample(flow).runs.get()
    step = run.version.document["steps"][0] | {"action": "slack_bot.post_message"}
    document = run.version.document | {"steps": [step]}
    type(run.version).objects.filter(pk=run.version_id).update(document=document)
    return run


@pytest.mark.parametrize(
    ("status", "error", "word"),
    [
        (200, "Slack (bot) refused: invalid_auth. Slack doesn't know this bot token", "Credential refused"),
        (401, "The answer was 401: no", "Credential refused"),
        (200, "Slack (bot) refused: ratelimited", "Tried again later"),
        (503, "The answer was 503", "Tried again later"),
        (None, "slack.com can't be reached", "Tried again later"),
    ],
)
def test_a_try_with_a_refused_credential_is_named_as_such(
    alice: Client, run: Run, status: int | None, error: str, word: str
) -> None:
    Run.objects.filter(pk=run.pk).update(state=RunState.HELD, held_by="credential", reason=error, due_at=None)
    Attempt.objects.create(
        run=run,
        step=run.version.document["steps"][0]["id"],
        number=1,
        state="retry",
        started_at=timezone.now(),
        duration_us=1,
        status=status,
        error=error,
        request=json.loads('{"method": "POST", "url": "https://slack.com/api/chat.postMessage", "headers": {}}'),
    )

    page = alice.get(f"/runs/{run.ref}/").content.decode()

    words = {word for word in ("Credential refused", "Tried again later") if f"{word}</span>" in page}
    assert words == {word}
    assert error.replace("'", "&#x27;") in page
