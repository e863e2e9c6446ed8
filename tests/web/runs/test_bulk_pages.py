"""Tests of actions on many runs: the confirmation, and the progress of a bulk replay."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from relay.engine.database import statements
from relay.engine.intake import sample_events
from relay.engine.runs import bulk_replay, replay
from relay.models import Batch, Flow, ReplayMode, Run
from relay.models.fields import micros
from tests.support.browsing import collapsed
from tests.web.conftest import posted


@pytest.fixture
def failed(flow: Flow) -> list[Run]:
    """Three failed runs; two more are waiting."""
    runs = [sample_events.send_sample(flow).runs.get() for _ in range(5)]
    Run.objects.filter(pk__in=[run.pk for run in runs[:3]]).update(
        state="failed", due_at=None, finished_at=statements.now()
    )
    Run.objects.filter(pk__in=[run.pk for run in runs[3:]]).update(state="waiting")
    return runs[:3]


@pytest.fixture
def batch(flow: Flow, failed: list[Run]) -> Batch:
    return bulk_replay.start(flow.workspace, {"state": ["failed"]}, ReplayMode.FAILED_STEPS, per_minute=60)


def test_runs_of_the_list_can_be_picked(alice: Client, flow: Flow, failed: list[Run]) -> None:
    for address in ("/runs/?state=failed", f"/flows/{flow.pk}/runs/?state=failed"):
        page = collapsed(alice.get(address))

        assert f'name="run" value="{failed[0].ref}" form="many"' in page
        assert '<input type="hidden" name="state" value="failed">' in page
    assert f'<input type="hidden" name="flow" value="{flow.pk}">' in page


def test_the_confirmation_shows_counts_and_destinations(alice: Client, flow: Flow, failed: list[Run]) -> None:
    page = collapsed(alice.get("/runs/many/", {"do": "replay", "all": "1", "flow": flow.pk}))

    assert "Replay 3 runs?" in page
    assert "Orders" in page
    assert "Built-in inbox" in page
    assert "2 that have not ended are left out" in page
    assert 'value="failed_steps" checked' in page
    assert not Batch.objects.exists()


def test_picked_runs_are_replayed_at_a_pace(alice: Client, failed: list[Run]) -> None:
    picked = "&".join(f"run={run.ref}" for run in failed[:2])

    answer = alice.post(f"/runs/many/?do=replay&{picked}", {"mode": "from_start", "per_minute": "30"})

    batch = Batch.objects.get()
    assert answer["Location"] == f"/runs/batches/{batch.pk}/"
    assert (batch.total, batch.per_minute, batch.mode) == (2, 30, "from_start")
    assert batch.created_by is not None


def test_runs_already_replayed_are_left_out_by_default(alice: Client, failed: list[Run]) -> None:
    replay.from_start(Run.objects.get(pk=failed[0].pk))

    page = collapsed(alice.get("/runs/many/?do=replay&all=1&state=failed"))
    alice.post("/runs/many/?do=replay&all=1&state=failed", {"mode": "from_start"})
    alice.post("/runs/many/?do=replay&all=1&state=failed", {"mode": "from_start", "again": "1"})

    assert list(Batch.objects.order_by("pk").values_list("total", flat=True)) == [2, 3]
    assert "Replay 2 runs?" in page
    assert "Also the 1 that was replayed before" in page


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({}, "Choose how"),
        ({"mode": "what"}, "Choose how"),
        ({"mode": "from_start", "per_minute": "x"}, "whole number"),
        ({"mode": "from_start", "per_minute": "-1"}, "whole number"),
        ({"mode": "from_start", "per_minute": "99999999"}, "a minute"),
    ],
)
def test_the_confirmation_shows_faults(alice: Client, failed: list[Run], values: Any, message: str) -> None:
    answer = alice.post("/runs/many/?do=replay&all=1", values)

    assert answer.status_code == 422
    assert message in answer.content.decode()
    assert not Batch.objects.exists()


@pytest.mark.parametrize("query", ["", "do=replay", "run=x", "run=%00&do=cancel", "do=what&all="])
def test_an_empty_selection_is_reported(alice: Client, failed: list[Run], query: str) -> None:
    answer = alice.get(f"/runs/many/?{query}", follow=True)

    assert "Select runs first" in answer.content.decode()


def test_a_filter_without_matches_is_reported(alice: Client, flow: Flow, failed: list[Run]) -> None:
    assert "None of these can be replayed" in alice.get("/runs/many/?do=replay&all=1&state=waiting").content.decode()
    assert "Nothing to cancel" in alice.get("/runs/many/?do=cancel&all=1&state=failed").content.decode()


def test_many_runs_are_cancelled(alice: Client, failed: list[Run]) -> None:
    page = collapsed(alice.get("/runs/many/?do=cancel&all=1"))
    answer = alice.post("/runs/many/?do=cancel&all=1", follow=True)

    assert "Cancel 2 runs?" in page
    assert "2 runs are cancelled" in answer.content.decode()
    assert Run.objects.filter(state="cancelled").count() == 2
    assert Run.objects.filter(state="failed").count() == 3


@pytest.mark.parametrize(
    ("do", "question", "state", "then", "done_message"),
    [
        ("try-now", "Try 2 runs now?", "waiting", "queued", "2 runs are being tried now"),
        ("release", "Release 2 runs?", "held", "queued", "2 runs are released"),
        ("give-up", "Stop trying 2 runs?", "held", "failed", "2 runs are marked as failed"),
    ],
)
def test_other_bulk_actions(
    alice: Client, failed: list[Run], do: str, question: str, state: str, then: str, done_message: str
) -> None:
    Run.objects.filter(state="waiting").update(state=state)

    page = collapsed(alice.get(f"/runs/many/?do={do}&all=1"))
    answer = alice.post(f"/runs/many/?do={do}&all=1", follow=True)
    none = collapsed(alice.get(f"/runs/many/?do={do}&all=1&state=failed"))

    assert question in page
    assert done_message in answer.content.decode()
    assert Run.objects.filter(state=then).exclude(pk__in=[run.pk for run in failed]).count() == 2
    assert "None of these" in none


def test_the_runs_that_a_batch_made_are_a_list(alice: Client, failed: list[Run], batch: Batch) -> None:
    bulk_replay.tick(micros(batch.due_at))
    copy = Run.objects.get(batch_id=batch.pk)

    page = collapsed(alice.get(f"/runs/batches/{batch.pk}/"))
    listed = collapsed(alice.get(f"/runs/?batch={batch.pk}"))

    assert f'href="/runs/?batch={batch.pk}"' in page
    assert f'href="/runs/?batch={batch.pk}&amp;state=queued"' in page
    assert copy.ref in listed
    assert f"Made by bulk replay {batch.pk}" in listed
    assert not any(run.ref in listed for run in failed)


def test_matches_are_counted_on_request(alice: Client, failed: list[Run]) -> None:
    assert "All 3 that match" in alice.get("/runs/many/count/", {"state": "failed"}).content.decode()


def test_a_running_batch_is_on_the_page_of_runs(alice: Client, batch: Batch) -> None:
    before = collapsed(alice.get("/runs/"))
    bulk_replay.cancel(batch, with_queued=False)
    after = collapsed(alice.get("/runs/"))

    assert "0 of 3 runs" in before
    assert f"/runs/batches/{batch.pk}/" in before
    assert f"/runs/batches/{batch.pk}/" not in after


def test_the_progress_is_shown_until_all_runs_end(alice: Client, batch: Batch) -> None:
    address, now = f"/runs/batches/{batch.pk}/", micros(batch.due_at)
    bulk_replay.tick(now)
    going = collapsed(alice.get(address))
    for second in range(1, 4):
        bulk_replay.tick(now + second * 1_000_000)
    made = collapsed(alice.get(address))
    Run.objects.filter(batch_id=batch.pk).update(state="succeeded", due_at=None)
    done = collapsed(alice.get(address))

    assert "1 of 3. The rest" in going
    assert 'value="1"' in going
    assert "3 runs were replayed; 3 are still running" in made
    assert "every 1500ms" in made
    assert "every 1500ms" not in done
    assert "refresh" not in done


def test_the_progress_is_sent_only_if_it_changed(alice: Client, batch: Batch) -> None:
    address, headers = f"/runs/batches/{batch.pk}/", {"HX-Request": "true"}
    seen = collapsed(alice.get(address)).split("?seen=")[1].split('"')[0]

    assert alice.get(address, {"seen": seen}, headers=headers).status_code == 204
    bulk_replay.tick(micros(batch.due_at))
    assert alice.get(address, {"seen": seen}, headers=headers).status_code == 200


def test_a_batch_is_cancelled_with_what_it_made(alice: Client, batch: Batch) -> None:
    bulk_replay.tick(micros(batch.due_at))

    answer = alice.post(f"/runs/batches/{batch.pk}/cancel/", posted(queued="1").dict(), follow=True)
    again = alice.post(f"/runs/batches/{batch.pk}/cancel/", follow=True)

    assert "1 run that had not started was cancelled" in answer.content.decode()
    assert "ended already" in again.content.decode()
    assert Run.objects.filter(batch_id=batch.pk).get().state == "cancelled"


def test_a_strangers_batch_is_not_there(bob: Client, batch: Batch) -> None:
    assert bob.get(f"/runs/batches/{batch.pk}/").status_code == 404
    assert bob.post(f"/runs/batches/{batch.pk}/cancel/").status_code == 404
    assert "0 of 3 runs" not in bob.get("/runs/").content.decode()


def test_a_strangers_runs_are_out_of_reach(bob: Client, failed: list[Run]) -> None:
    bob.post(f"/runs/many/?do=replay&run={failed[0].ref}", {"mode": "from_start"})
    bob.post("/runs/many/?do=cancel&all=1")

    assert not Batch.objects.exists()
    assert not Run.objects.filter(state="cancelled").exists()


@pytest.mark.parametrize("address", ["/runs/many/?do=replay&all=1", "/runs/batches/{}/"])
def test_the_pages_have_a_query_budget(
    alice: Client, batch: Batch, address: str, django_assert_max_num_queries: Any
) -> None:
    with django_assert_max_num_queries(7):
        alice.get(address.format(batch.pk))


def test_only_failed_steps_are_suggested_where_some_have_failed(alice: Client, flow: Flow) -> None:
    five = [sample_events.send_sample(flow).runs.get() for _ in range(5)]
    Run.objects.update(state="succeeded", due_at=None, finished_at=statements.now())
    Run.objects.filter(pk=five[0].pk).update(state="failed")

    page = collapsed(alice.get("/runs/many/", {"all": "1"}))

    assert 'value="failed_steps" checked' in page
    assert "4 of them succeeded. Replayed from the start, they send everything again." in page
