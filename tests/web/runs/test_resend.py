"""Tests of resending an edited event, and of what a run's page says about replays."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from relay.engine.database import statements
from relay.engine.intake import sample_events
from relay.engine.runs import bulk_replay, replay
from relay.models import Batch, Event, Flow, ReplayMode, Run
from relay.models.fields import micros
from relay.web.runs import resend


@pytest.fixture
def run(flow: Flow) -> Run:
    run = sample_events.send_sample(flow, b'{"id": 7, "total": 12}').runs.get()
    trail = [{"id": "big", "kind": "filter", "state": "passed"}, {"id": "tell", "kind": "action", "state": "failed"}]
    Run.objects.update(state="failed", due_at=None, finished_at=statements.now(), trail=trail)
    run.refresh_from_db()
    return run


def test_an_edited_body_is_sent_as_a_new_event(alice: Client, run: Run) -> None:
    page = alice.get(f"/runs/{run.ref}/edit/").content.decode()

    answer = alice.post(f"/runs/{run.ref}/edit/", {"body": '{"id": 8}', "do": "send"}, follow=True)

    copy = Run.objects.get(replay_of=run)
    assert "&quot;total&quot;: 12" in page
    assert answer.redirect_chain == [(f"/runs/{copy.ref}/", 302)]
    assert bytes(copy.event.body) == b'{"id": 8}'
    assert "Replay of" in answer.content.decode()


def test_invalid_json_is_refused_with_its_line(alice: Client, run: Run) -> None:
    answer = alice.post(f"/runs/{run.ref}/edit/", {"body": '{\n "id" 8}', "do": "send"})

    page = answer.content.decode()
    assert answer.status_code == 422
    assert "This is not valid JSON: line 2" in page
    assert "&quot;id&quot; 8}" in page
    assert Event.objects.count() == 1


def test_changes_are_shown_before_sending(alice: Client, run: Run) -> None:
    body = '{\n  "id": 8,\n  "total": 12\n}'

    page = alice.post(f"/runs/{run.ref}/edit/", {"body": body, "do": "compare"}).content.decode()

    assert re.search(r'class="went"\s*><b>-</b>  &quot;id&quot;: 7,', page)
    assert re.search(r'class="came"\s*><b>\+</b>  &quot;id&quot;: 8,', page)
    assert Event.objects.count() == 1


@pytest.mark.parametrize("body", [b"\xff\xfe", b"a\x00b", b"a" * (resend.MAX_BODY_CHARACTERS + 1)])
def test_a_body_that_cannot_be_edited_is_left_to_the_command(alice: Client, run: Run, body: bytes) -> None:
    Event.objects.update(body=body, content_type="application/octet-stream")

    answer = alice.get(f"/runs/{run.ref}/edit/", follow=True)

    assert "relay replay RUN --body FILE" in answer.content.decode()


def test_an_invalid_body_can_be_fixed(alice: Client, run: Run) -> None:
    Event.objects.update(body=b"{oops")

    page = alice.get(f"/runs/{run.ref}/edit/").content.decode()
    alice.post(f"/runs/{run.ref}/edit/", {"body": "{}", "do": "send"})

    assert "{oops" in page
    assert bytes(Run.objects.get(replay_of=run).event.body) == b"{}"


def test_a_strangers_body_is_not_there(bob: Client, run: Run) -> None:
    assert bob.get(f"/runs/{run.ref}/edit/").status_code == 404
    assert bob.post(f"/runs/{run.ref}/edit/", {"body": "{}", "do": "send"}).status_code == 404


def test_a_running_run_offers_no_replay(alice: Client, run: Run) -> None:
    ended = alice.get(f"/runs/{run.ref}/").content.decode()
    Run.objects.update(state="waiting", due_at=statements.now(), finished_at=None)
    waiting = alice.get(f"/runs/{run.ref}/").content.decode()

    assert [word in ended for word in ("Only the failed steps", "Edit and resend", "Try now", "Stop trying")] == [
        True, True, False, False
    ]  # fmt: skip
    assert [word in waiting for word in ("today's version", "Edit and resend", "Try now", "Stop trying")] == [
        False, False, True, True
    ]  # fmt: skip


def test_steps_that_a_replay_skipped_are_marked(alice: Client, run: Run) -> None:
    trail = [{"id": "tell", "kind": "action", "state": "succeeded", "outputs": {}}]
    Run.objects.update(trail=[*trail, {"id": "x", "kind": "action", "state": "failed"}])
    run.refresh_from_db()

    copy = replay.from_failed_step(run)

    page = alice.get(f"/runs/{copy.ref}/").content.decode()
    assert f'Not done again: <a href="/runs/{run.ref}/">' in page


def test_a_run_names_the_batch_that_made_it(alice: Client, flow: Flow, run: Run) -> None:
    batch = bulk_replay.start(flow.workspace, {}, ReplayMode.FROM_START)
    bulk_replay.tick(micros(Batch.objects.get().due_at))

    page = alice.get(f"/runs/{Run.objects.get(batch_id=batch.pk).ref}/").content.decode()

    assert f'href="/runs/batches/{batch.pk}/"' in page
