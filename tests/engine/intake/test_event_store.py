"""Tests that arrivals are stored in one transaction, for every state of a flow."""

from __future__ import annotations

import pytest

from relay.engine.configuration import flow_lifecycle
from relay.engine.intake import event_store, sample_events
from relay.engine.intake.event_store import TriggerCache
from relay.engine.intake.stored_request import StoredRequest
from relay.models import Event, Run, RunState, Workspace
from tests.engine.conftest import ORDER, posting

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_draft_captures(workspace: Workspace, arrive) -> None:
    flow = flow_lifecycle.create_flow(workspace, posting("http://example.com/"))

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
    flow_lifecycle.pause(flow)
    (run,) = arrive(flow)

    released = flow_lifecycle.resume(flow)

    assert (run.state, run.due_at) == (RunState.HELD, None)
    assert released == 1
    run.refresh_from_db()
    assert run.state == RunState.QUEUED
    assert run.due_at is not None


def test_an_unknown_token_stores_nothing(workspace: Workspace) -> None:
    arrival = event_store.Arrival("0" * 64, StoredRequest("POST", "", "{}", "", b""), 0)

    (accepted,) = event_store.accept([arrival], TriggerCache())

    assert accepted.trigger is None
    assert Event.objects.count() == 0


def test_a_commit_costs_five_queries_however_many(live, django_assert_num_queries) -> None:
    flow = live(posting("http://example.com/"))
    cache = TriggerCache()
    cache.find(flow.trigger.token_digest)
    arrival = event_store.Arrival(flow.trigger.token_digest, StoredRequest("POST", "", "{}", "", ORDER), 0)

    # BEGIN, the trigger's revision, one INSERT of events, one of runs, COMMIT
    with django_assert_num_queries(5):
        event_store.accept([arrival] * 50, cache)

    assert Run.objects.count() == 50


def test_a_sample_is_the_last_event_or_an_order(live) -> None:
    flow = live(posting("http://example.com/"))

    first = sample_events.send_sample(flow)
    second = sample_events.send_sample(flow, b'{"id": 8}')
    third = sample_events.send_sample(flow)

    assert b"Ada" in bytes(first.body)
    assert bytes(second.body) == bytes(third.body) == b'{"id": 8}'
