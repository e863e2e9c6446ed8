"""Intake: one transaction for all that arrived, and every state of a flow."""

from __future__ import annotations

import pytest

from relay.engine import intake, publish, sampling
from relay.engine.intake import Doors
from relay.models import Event, Flow, Run, RunState, Workspace
from tests.engine.conftest import ORDER, posting

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_draft_captures(workspace: Workspace, arrive) -> None:
    flow = publish.create_flow(workspace, posting("http://example.com/"))

    runs = arrive(flow)

    assert runs == []
    assert Event.objects.get().state == "captured"


def test_a_live_flow_runs_the_version_of_now(live, arrive) -> None:
    flow = live(posting("http://example.com/"))

    (run,) = arrive(flow)

    assert (run.state, run.version_id) == (RunState.QUEUED, flow.live_version_id)
    assert bytes(run.event.body) == ORDER


def test_a_paused_flow_holds_and_resume_releases(live, arrive) -> None:
    flow = live(posting("http://example.com/"))
    publish.pause(flow)
    (run,) = arrive(flow)

    released = publish.resume(flow)

    assert (run.state, run.due_at) == (RunState.HELD, None)
    assert released == 1
    run.refresh_from_db()
    assert run.state == RunState.QUEUED
    assert run.due_at is not None


def test_doors_notice_every_change(live) -> None:
    doors = Doors()
    flow: Flow = live(posting("http://example.com/"))
    doors.refresh()
    before = doors.find(flow.trigger.token_digest)

    publish.pause(flow)
    doors.refresh()

    after = doors.find(flow.trigger.token_digest)
    assert before is not None
    assert after is not None
    assert (before.paused, after.paused) == (False, True)


def test_an_unknown_token_stores_nothing(workspace: Workspace) -> None:
    arrival = intake.Arrival("0" * 64, "POST", "", "{}", "", b"", "", 0)

    (accepted,) = intake.accept([arrival], Doors())

    assert accepted.door is None
    assert Event.objects.count() == 0


def test_a_commit_costs_five_queries_however_many(live, django_assert_num_queries) -> None:
    flow = live(posting("http://example.com/"))
    doors = Doors()
    doors.refresh()
    doors.find(flow.trigger.token_digest)
    arrival = intake.Arrival(flow.trigger.token_digest, "POST", "", "{}", "", ORDER, "", 0)

    # BEGIN, the revision, one INSERT of events, one of runs, COMMIT
    with django_assert_num_queries(5):
        intake.accept([arrival] * 50, doors)

    assert Run.objects.count() == 50


def test_a_sample_is_the_last_event_or_an_order(live) -> None:
    flow = live(posting("http://example.com/"))

    first = sampling.send_sample(flow)
    second = sampling.send_sample(flow, b'{"id": 8}')
    third = sampling.send_sample(flow)

    assert b"Ada" in bytes(first.body)
    assert bytes(second.body) == bytes(third.body) == b'{"id": 8}'
