"""Tests that expired runs are removed with everything that belongs to them, and that other runs stay."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import transaction

from relay import ids
from relay.engine.configuration import flow_lifecycle
from relay.engine.database import statements
from relay.engine.upkeep import batch_size, body_retention, retention, storage_usage
from relay.engine.upkeep.retention import Pruner, prune
from relay.models import Attempt, Event, Flow, InboxMessage, Run, RunState, Seen, Workspace
from tests.engine.conftest import ORDER, posting

pytestmark = pytest.mark.django_db(transaction=True)

DAY = 86_400_000  # milliseconds
TABLES = (
    ("relay_attempt", ("id", "run_id")),
    ("relay_inboxmessage", ("id", "run_id")),
    ("relay_run", ("id", "event_id", "replay_of_id")),
    ("relay_event", ("id",)),
)


def made_older(*, days: float) -> None:
    """Move everything stored into the past by some days, by changing the ids, which are in order of time."""
    shift = int(days * DAY) << 22
    for table, columns in TABLES:
        statements.execute(f"UPDATE {table} SET {', '.join(f'{column} = {column} - {shift}' for column in columns)}")
    statements.execute(f"UPDATE relay_seen SET until = until - {int(days * DAY) * 1000}, event_id = event_id - {shift}")


def kept(**settings: Any) -> dict[str, Any]:
    return {**posting("http://example.com/"), "settings": settings}


def settled(run: Run, state: str = "succeeded", *, body: str = '{"text": "order #7"}') -> Run:
    """Settle a run as a worker does: final, with one attempt and one message."""
    final = state not in ("queued", "waiting", "running", "held")
    due = None if final or state == "held" else statements.now() + 1_000_000
    Run.objects.filter(pk=run.pk).update(state=state, due_at=due, finished_at=statements.now() if final else None)
    record = {"method": "POST", "url": "http://example.com/", "headers": {"a": "b"}, "body": body}
    answer = {"status": 200, "headers": {}, "body": body, "truncated": False}
    step = {"step": "send", "number": 1, "state": "succeeded", "started_at": statements.now(), "duration_us": 5}
    Attempt.objects.create(run=run, request=record, answer=answer, **step)
    InboxMessage.objects.create(
        workspace=run.workspace, run_id=run.pk, channel="a", text="b", created_at=statements.now()
    )
    return Run.objects.get(pk=run.pk)


def left() -> tuple[int, int, int, int]:
    return Event.objects.count(), Run.objects.count(), Attempt.objects.count(), InboxMessage.objects.count()


@pytest.mark.parametrize(
    ("settings", "workspace_days", "age", "stays"),
    [
        ({"retention": "7d"}, 30, 7.1, False),
        ({"retention": "7d"}, 30, 6.9, True),
        ({"retention": "7d"}, 0, 7.1, False),
        ({"retention": "90d"}, 30, 40, True),
        ({"retention": "forever"}, 30, 400, True),
        ({}, 30, 30.1, False),
        ({}, 30, 29.9, True),
        ({}, 0, 400, True),
    ],
)
def test_how_long_it_is_kept(live, arrive, settings, workspace_days: int, age: float, stays: bool) -> None:
    (run,) = arrive(live(kept(**settings)))
    settled(run)
    Workspace.objects.update(retention_days=workspace_days)
    made_older(days=age)

    prune()

    assert left() == ((1, 1, 1, 1) if stays else (0, 0, 0, 0))


@pytest.mark.parametrize("state", ["queued", "running", "waiting", "held"])
def test_what_is_not_final_stays_however_old(live, arrive, state: str) -> None:
    (run,) = arrive(live(kept(retention="1h")))
    settled(run, state)
    made_older(days=400)

    prune()

    assert left() == (1, 1, 1, 1)


@pytest.mark.parametrize("state", ["succeeded", "filtered", "partly_failed", "failed", "cancelled"])
def test_what_is_final_goes(live, arrive, state: str) -> None:
    (run,) = arrive(live(kept(retention="1h")))
    settled(run, state)
    made_older(days=1)

    prune()

    assert left() == (0, 0, 0, 0)


def test_captured_events_go_too(workspace: Workspace, arrive) -> None:
    flow = flow_lifecycle.create_flow(workspace, kept())
    arrive(flow)
    made_older(days=31)

    prune()

    assert left() == (0, 0, 0, 0)


def test_a_replay_keeps_its_event_and_loses_its_original(live, arrive) -> None:
    (run,) = arrive(live(kept(retention="7d")))
    settled(run)
    made_older(days=8)
    old = Run.objects.get()
    copy = Run.objects.create(
        workspace=old.workspace,
        flow=old.flow,
        version=old.version,
        event=old.event,
        replay_of=old,
        due_at=statements.now(),
    )

    prune()

    assert list(Run.objects.values_list("pk", "replay_of_id")) == [(copy.pk, None)]
    assert Event.objects.count() == 1


def test_flows_do_not_lose_what_another_keeps(live, arrive) -> None:
    for retention_ in ("7d", "30d"):
        settled(arrive(live(kept(retention=retention_)))[0])
    made_older(days=8)

    prune()

    assert left() == (1, 1, 1, 1)
    assert Run.objects.get().flow.draft["settings"]["retention"] == "30d"


def test_keys_go_with_their_events(live, arrive) -> None:
    flows = [
        live({**kept(retention=word), "trigger": {"kind": "webhook", "dedupe": {"key": "{{ event.body.id }}"}}})
        for word in ("7d", "forever")
    ]
    for flow in flows:
        arrive(flow)
    Seen.objects.create(flow_id=0, digest="of a flow that is gone", event_id=1, until=statements.now())
    made_older(days=9)

    prune()

    assert list(Seen.objects.values_list("flow_id", flat=True)) == [flows[1].pk]


def test_many_rows_in_small_transactions(live, arrive, monkeypatch) -> None:
    monkeypatch.setattr(batch_size, "MAX_ROWS", 20)
    monkeypatch.setattr(retention, "MAX_ROWS", 20)
    flow = live(kept(retention="1h"))
    for _ in range(3):
        for run in arrive(flow, *[ORDER] * 40):
            settled(run)
    made_older(days=1)
    changed: list[int] = []
    execute = statements.execute

    def counted(statement: str, parameters: Any = ()) -> int:
        changed.append(execute(statement, parameters))
        return changed[-1]

    monkeypatch.setattr(statements, "execute", counted)
    monkeypatch.setattr(retention, "PAUSE_SECONDS", 0)

    removed = prune()

    assert left() == (0, 0, 0, 0)
    assert removed == 4 * 120
    assert max(changed) <= 100


def test_a_round_ends_and_the_next_goes_on(live, arrive, monkeypatch) -> None:
    flow = live(kept(retention="1h"))
    for run in arrive(flow, *[ORDER] * 50):
        settled(run)
    made_older(days=1)
    pruner = Pruner()
    monkeypatch.setattr(retention, "PAUSE_SECONDS", 0)

    first = pruner.round(seconds=1e-9)
    rounds = 1
    while pruner.round(seconds=0.001) and rounds < 1_000:
        rounds += 1

    assert 0 <= first < 200
    assert left() == (0, 0, 0, 0)


def test_between_two_looks_it_costs_nothing(live, django_assert_num_queries) -> None:
    live(kept(retention="1h"))
    pruner = Pruner()
    pruner.round()

    with django_assert_num_queries(0):
        pruner.round()


def test_it_goes_by_index(live) -> None:
    flow = live(kept())
    statement = "SELECT id FROM relay_run WHERE flow_id = %s AND id > %s AND id < %s ORDER BY id LIMIT 5"

    with transaction.atomic():
        if not statements.is_sqlite():
            statements.execute("SET LOCAL enable_seqscan = off")  # otherwise an empty table is scanned
        explain = "EXPLAIN QUERY PLAN" if statements.is_sqlite() else "EXPLAIN"
        plan = " ".join(str(row) for row in statements.fetch(f"{explain} {statement}", (flow.pk, 0, 1)))

    assert "Index" in plan or "SEARCH relay_run" in plan


@pytest.mark.parametrize("steps", [[1, 2, 4], [200, 400, 500]])
def test_the_pace_grows_to_a_limit(steps: list[int]) -> None:
    quick = batch_size.BatchSize()
    quick.rows = steps[0]

    for expected in steps[1:]:
        quick.run(lambda: 1)

        assert quick.rows == expected


def test_large_bodies_go_few_at_a_time() -> None:
    assert batch_size.within_byte_limit([(1, 3_000_000), (2, 1_000_000), (3, 1_000_000)]) == [1, 2]
    assert batch_size.within_byte_limit([(1, 90_000_000), (2, 1)]) == [1]
    assert batch_size.within_byte_limit([]) == []


def bodies(flow: Flow) -> tuple[bytes, set[str], set[str]]:
    event = flow.events.get()
    attempts = Attempt.objects.filter(run__flow=flow)
    return (
        bytes(event.body),
        {(one.request or {})["body"] for one in attempts},
        {(one.answer or {})["body"] for one in attempts},
    )


@pytest.fixture
def at_once(monkeypatch) -> None:
    # A test that set the clock forward leaves ids that are ahead of time.
    monkeypatch.setattr(body_retention, "SETTLE_SECONDS", -86_400.0)
    monkeypatch.setattr(retention, "PRUNE_EVERY", 0.0)


@pytest.mark.parametrize(
    ("state", "emptied"),
    [
        ("succeeded", True),
        ("filtered", True),
        ("failed", False),
        ("partly_failed", False),
        ("cancelled", False),
        ("waiting", False),
        ("held", False),
    ],
)
def test_bodies_are_not_stored_longer_than_needed(live, arrive, at_once: None, state: str, emptied: bool) -> None:
    flow = live(kept(store_bodies=False))
    (run,) = arrive(flow)
    settled(run, state, body="secret")

    prune()

    assert bodies(flow) == ((b"", {""}, {""}) if emptied else (ORDER, {"secret"}, {"secret"}))
    assert Attempt.objects.get().request["headers"] == {"a": "b"}


def test_bodies_are_stored_where_nothing_else_is_asked_for(live, arrive, at_once: None) -> None:
    flow = live(kept())
    settled(arrive(flow)[0], body="kept")

    prune()

    assert bodies(flow) == (ORDER, {"kept"}, {"kept"})


def test_what_failed_is_emptied_once_a_replay_of_it_succeeded(live, arrive, at_once: None) -> None:
    flow = live(kept(store_bodies=False))
    run = settled(arrive(flow)[0], "failed", body="secret")
    pruner = Pruner()
    pruner.round()
    before = bodies(flow)
    copy = Run.objects.create(
        workspace=run.workspace, flow=flow, version=run.version, event=run.event, replay_of=run, due_at=statements.now()
    )
    settled(copy, body="secret")

    pruner.round(seconds=0.05)

    assert before == (ORDER, {"secret"}, {"secret"})
    assert bodies(flow) == (b"", {""}, {""})


def test_more_waits_than_is_remembered(live, arrive, at_once: None, monkeypatch) -> None:
    monkeypatch.setattr(body_retention, "MAX_PENDING", 2)
    flow = live(kept(store_bodies=False))
    runs = [settled(run, "failed") for run in arrive(flow, *[ORDER] * 5)]
    pruner = Pruner()
    pruner.round(seconds=0.05)
    Run.objects.filter(pk__in=[run.pk for run in runs[1:]]).update(state=RunState.SUCCEEDED)

    pruner.round(seconds=0.05)

    assert sorted(map(bytes, flow.events.values_list("body", flat=True))) == [b""] * 4 + [ORDER]


def test_captured_bodies_stay_to_build_with(workspace: Workspace, arrive, at_once: None) -> None:
    flow = flow_lifecycle.create_flow(workspace, kept(store_bodies=False))
    arrive(flow)

    prune()

    assert bytes(flow.events.get().body) == ORDER


def test_storage_is_known(live, arrive) -> None:
    for run in arrive(live(kept()), *[ORDER] * 3):
        settled(run)

    used = storage_usage.measure()

    assert (used.events, used.runs, used.attempts, used.estimated) == (3, 3, 3, False)
    assert used.bytes > 10_000


def test_large_tables_are_estimated(live, arrive, monkeypatch) -> None:
    monkeypatch.setattr(storage_usage, "MAX_COUNTED", 10)
    flow = live(kept())
    made = [ids.new() for _ in range(40)]
    for place, run in enumerate(arrive(flow, *[ORDER] * 40)):
        spread = made[0] + (place << 30)
        Run.objects.filter(pk=run.pk).update(id=spread)

    used = storage_usage.measure()

    assert used.estimated
    assert 30 <= used.runs <= 50
