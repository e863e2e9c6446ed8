"""Tests what a replay takes over from its original run, and when a run can't be replayed."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from pytest_httpserver import HTTPServer

from relay.engine.configuration import flow_lifecycle
from relay.engine.database import statements
from relay.engine.intake import event_store, internal_events
from relay.engine.intake.event_store import TriggerCache
from relay.engine.runs import replay, run_actions
from relay.engine.worker.thread_pool import WalkThreads
from relay.engine.worker.work_loop import work
from relay.errors import PayloadError, RelayError
from relay.models import Attempt, Event, Flow, HeldBy, ReplayMode, Run, RunState, Version
from tests.engine.conftest import ORDER, posting

pytestmark = pytest.mark.django_db(transaction=True)


def ended(run: Run, state: str = "failed", **values: Any) -> Run:
    Run.objects.filter(pk=run.pk).update(state=state, due_at=None, finished_at=statements.now(), **values)
    run.refresh_from_db()
    return run


def two_posts(destination: HTTPServer) -> dict[str, Any]:
    """A flow that gets a number from /first and posts it to /second."""
    first, second = (posting(destination.url_for(path))["steps"][0] for path in ("/first", "/second"))
    second["inputs"]["body"] = {"json": {"number": "{{ steps.ask.body.number }}"}}
    steps = [{**first, "id": "ask"}, {**second, "id": "tell", "retry": {"delays": []}}]
    return {**posting(""), "steps": steps}


@pytest.fixture
def failed(live, arrive, walkers: WalkThreads, destination: HTTPServer) -> Run:
    """A run whose first step succeeded and whose second failed."""
    destination.expect_request("/first").respond_with_json({"number": 7})
    destination.expect_oneshot_request("/second").respond_with_data("no", status=400)
    (run,) = arrive(live(two_posts(destination)))
    work(walkers=walkers)
    run.refresh_from_db()
    assert run.state == RunState.FAILED
    return run


def test_only_what_failed_is_done_again(failed: Run, walkers: WalkThreads, destination: HTTPServer) -> None:
    destination.expect_request("/second").respond_with_data("ok")

    copy = replay.from_failed_step(failed)
    work(walkers=walkers)

    copy.refresh_from_db()
    paths = [request.path for request, _ in destination.log]
    assert (copy.state, copy.version_id, copy.replay_of_id) == ("succeeded", failed.version_id, failed.pk)
    assert paths == ["/first", "/second", "/second"]
    assert destination.log[-1][0].get_json() == {"number": 7}
    assert [attempt.step for attempt in copy.attempts.all()] == ["tell"]


def test_what_went_well_names_the_run_that_did_it(failed: Run) -> None:
    copy = replay.from_failed_step(failed)
    again = replay.from_failed_step(ended(copy))

    assert [(entry["id"], entry["from"]) for entry in copy.steps] == [("ask", failed.ref)]
    assert [(entry["id"], entry["from"]) for entry in again.steps] == [("ask", failed.ref)]
    assert again.replay_of_id == copy.pk


def test_outputs_that_the_trail_lacks_are_read_from_the_answer(failed: Run) -> None:
    trail = [{key: value for key, value in entry.items() if key != "outputs"} for entry in failed.steps]

    copy = replay.from_failed_step(ended(failed, trail=trail))

    assert copy.steps[0]["outputs"]["body"] == {"number": 7}


def test_an_answer_that_was_not_kept_whole_is_no_output(failed: Run) -> None:
    trail = [{key: value for key, value in entry.items() if key != "outputs"} for entry in failed.steps]
    Attempt.objects.update(answer={"status": 200, "headers": {}, "body": "{", "truncated": True})

    with pytest.raises(RelayError, match="too long to be stored"):
        replay.from_failed_step(ended(failed, trail=trail))


def test_a_step_that_failed_on_the_way_is_done_again(
    live, arrive, walkers: WalkThreads, destination: HTTPServer
) -> None:
    destination.expect_oneshot_request("/first").respond_with_data("no", status=400)
    destination.expect_request("/second").respond_with_data("ok")
    document = two_posts(destination)
    document["steps"][0]["on_error"] = "continue"
    document["steps"][1]["inputs"]["body"] = {"json": {}}
    (run,) = arrive(live(document))
    work(walkers=walkers)
    run.refresh_from_db()
    destination.expect_request("/first").respond_with_data("ok")

    copy = replay.from_failed_step(run)
    work(walkers=walkers)

    copy.refresh_from_db()
    assert (run.state, copy.state) == ("partly_failed", "succeeded")
    assert [request.path for request, _ in destination.log] == ["/first", "/second", "/first"]


def test_from_the_start_takes_todays_version(live, arrive) -> None:
    flow = live(posting("https://example.com/"))
    (run,) = arrive(flow)
    version = flow_lifecycle.publish(flow)
    ended(run)

    today, then = replay.from_start(run), replay.as_it_was(run)

    assert (today.version_id, then.version_id) == (version.pk, run.version_id)
    assert {today.event_id, then.event_id} == {run.event_id}
    assert (today.steps, then.steps) == ([], [])
    assert set(run.replays.all()) == {today, then}


def test_an_edited_body_is_a_new_event(live, arrive) -> None:
    flow = live(posting("https://example.com/"))
    (run,) = arrive(flow)
    Event.objects.update(headers={"Content-Length": "1", "x-shop": "a"}, query="a=1")

    copy = replay.with_edited_body(ended(run), b'{"id": 8}')

    event = Event.objects.get(pk=copy.event_id)
    assert (bytes(event.body), event.query, event.state) == (b'{"id": 8}', "a=1", "accepted")
    assert event.headers == {"Content-Length": "9", "x-shop": "a"}
    assert (copy.replay_of_id, copy.version_id) == (run.pk, flow.live_version_id)
    assert bytes(Event.objects.get(pk=run.event_id).body) == ORDER


def test_an_edited_body_must_be_what_it_says(live, arrive, settings) -> None:
    (run,) = arrive(live(posting("https://example.com/")))
    ended(run)
    settings.MAX_BYTES = 20

    with pytest.raises(PayloadError):
        replay.with_edited_body(run, b'{"id": ')
    with pytest.raises(RelayError, match="20 bytes"):
        replay.with_edited_body(run, b'{"id": "%s"}' % (b"1" * 20))
    assert Event.objects.count() == Run.objects.count() == 1


@pytest.mark.parametrize("state", ["queued", "running", "waiting"])
@pytest.mark.parametrize("mode", ReplayMode)
def test_what_goes_on_is_not_replayed(live, arrive, state: str, mode: ReplayMode) -> None:
    (run,) = arrive(live(posting("https://example.com/")))
    Run.objects.update(state=state)
    run.refresh_from_db()

    with pytest.raises(RelayError, match="has not ended yet"):
        replay.MODES[mode](run)


def _held(run: Run) -> None:
    Run.objects.update(state="held", due_at=None)


def _went_well(run: Run) -> None:
    ended(run, "succeeded")


def _forgotten(run: Run) -> None:
    Event.objects.all().delete()


def _emptied(run: Run) -> None:
    Event.objects.update(body=b"", headers={"Content-Length": "12"})


def _without_flow(run: Run) -> None:
    Flow.objects.update(live_version=None)
    Flow.objects.all().delete()


def _draft(run: Run) -> None:
    Flow.objects.update(live_version=None)


def _without_version(run: Run) -> None:
    Flow.objects.update(live_version=None)
    Version.objects.all().delete()


@pytest.mark.parametrize(
    ("change", "mode", "said"),
    [
        (_held, ReplayMode.FROM_START, "is held; release it"),
        (_went_well, ReplayMode.FAILED_STEPS, "Nothing failed"),
        (_forgotten, ReplayMode.AS_IT_WAS, "after its retention period"),
        (_emptied, ReplayMode.AS_IT_WAS, "keep the bodies"),
        (_without_flow, ReplayMode.AS_IT_WAS, "flow of this run was removed"),
        (_draft, ReplayMode.FROM_START, "is a draft: publish it"),
        (_without_version, ReplayMode.FAILED_STEPS, "original version no longer exists"),
    ],
)
def test_why_there_is_no_replay(live, arrive, change: Any, mode: ReplayMode, said: str) -> None:
    (run,) = arrive(live(posting("https://example.com/")))
    ended(run)
    change(run)
    run = Run.objects.get(pk=run.pk)

    with pytest.raises(RelayError, match=said):
        replay.MODES[mode](run)
    assert Run.objects.count() == 1


def test_a_replay_in_a_paused_flow_is_held(live, arrive) -> None:
    flow = live(posting("https://example.com/"))
    (run,) = arrive(flow)
    ended(run)
    flow_lifecycle.pause(flow)

    copy = replay.from_start(run)

    assert (copy.state, copy.held_by, copy.due_at) == ("held", HeldBy.PAUSE, None)


def test_an_event_that_never_had_a_body_is_replayed(live, arrive) -> None:
    (run,) = arrive(live(posting("https://example.com/")), b"")

    assert replay.from_start(ended(run)).event_id == run.event_id


def _by_clock(flow: Flow) -> None:
    door = TriggerCache().find(flow.trigger.token_digest)
    event_store.store([internal_events.prepare_scheduled(flow, datetime.now(UTC), door, timezone="UTC", missed=0)])


STARTS = {
    "schedule": _by_clock,
    "hand": lambda flow: internal_events.start_by_hand(flow, {}),
    "alert": lambda flow: internal_events.start_by_alert(flow, {"count": 1}, None),
}


@pytest.mark.parametrize("start", STARTS)
def test_what_relay_starts_itself_is_not_replayed_without_its_body(start: str, live) -> None:
    STARTS[start](live({**posting("https://example.com/"), "trigger": {"kind": "manual"}}))
    run = Run.objects.get()
    ended(run, "succeeded")
    Event.objects.update(body=b"")  # as retention does for flows that store no bodies

    with pytest.raises(RelayError, match="keep the bodies"):
        replay.from_start(Run.objects.get())


def test_a_replay_keeps_the_order_that_the_flow_asks_for_today(live, arrive) -> None:
    document = posting("https://example.com/")
    flow = live(document)
    (run,) = arrive(flow)
    ended(run)
    flow_lifecycle.save_draft(flow, {**document, "settings": {"ordered": True, "order_key": "{{ event.body.id }}"}})
    flow_lifecycle.publish(flow)
    (newer,) = arrive(flow)

    today, then, other = replay.from_start(run), replay.as_it_was(run), replay.with_edited_body(run, b'{"id": 8}')

    assert newer.order_key is not None
    assert (today.order_key, then.order_key) == (newer.order_key, None)
    assert other.order_key not in {None, newer.order_key}


def test_a_replay_takes_few_queries(live, arrive, django_assert_max_num_queries: Any) -> None:
    (run,) = arrive(live(posting("https://example.com/")))
    ended(run)

    with django_assert_max_num_queries(5):
        replay.from_failed_step(run)


def test_given_up_is_failed_and_can_be_replayed(live, arrive) -> None:
    (run,) = arrive(live(posting("https://example.com/")))
    Run.objects.update(state="waiting", reason="busy")

    run_actions.give_up(run)

    assert (run.state, run.reason, run.due_at, run.fence) == ("failed", "Marked as failed by hand", None, 1)
    assert replay.from_failed_step(run).replay_of_id == run.pk
    with pytest.raises(RelayError, match="it is failed"):
        run_actions.give_up(run)


def test_trails_stay_json(failed: Run) -> None:
    copy = replay.from_failed_step(failed)

    stored = statements.fetch("SELECT trail FROM relay_run WHERE id = %s", (copy.pk,))[0][0]
    assert msgspec.json.decode(stored) == copy.steps
