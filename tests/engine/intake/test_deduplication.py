"""Tests deduplication within one commit, over several commits, and between two processes."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from django.db import connection

from relay.engine.configuration import flow_lifecycle
from relay.engine.database import statements
from relay.engine.intake import deduplication, event_store, sample_events
from relay.engine.intake.event_store import Accepted, Arrival, TriggerCache
from relay.engine.intake.stored_request import StoredRequest
from relay.models import Event, Flow, Run, Seen, Workspace
from relay.models.flows import digest
from tests.engine.conftest import posting

pytestmark = pytest.mark.django_db(transaction=True)

KEY = "{{ event.body.id }}"


def deduping(key: str = KEY, **more: str) -> dict[str, Any]:
    trigger = {"kind": "webhook", "dedupe": {"key": key, **more}}
    return {**posting("http://example.com/"), "trigger": trigger}


def arrival(flow: Flow, body: bytes, headers: str = "{}") -> Arrival:
    token_digest = digest(flow.trigger.token)
    return Arrival(
        token_digest, StoredRequest("POST", "", headers, "application/json", body, "127.0.0.1"), statements.now()
    )


def accept(flow: Flow, *bodies: bytes, cache: TriggerCache | None = None) -> list[Accepted]:
    return event_store.accept([arrival(flow, body) for body in bodies], cache or TriggerCache())


def test_the_same_key_is_the_same_event(live) -> None:
    flow = live(deduping())

    first, other = accept(flow, b'{"id": 1}', b'{"id": 2}')
    again = [accept(flow, b'{"id": 1, "try": 2}')[0] for _ in range(3)]

    assert [one.is_duplicate for one in (first, other)] == [False, False]
    assert {(one.event_id, one.is_duplicate) for one in again} == {(first.event_id, True)}
    assert (Event.objects.count(), Run.objects.count()) == (2, 2)
    assert sorted(Seen.objects.values_list("event_id", "count")) == [(first.event_id, 3), (other.event_id, 0)]


def test_within_one_commit_too(live) -> None:
    flow = live(deduping())

    accepted = accept(flow, *[b'{"id": 1}'] * 5, b'{"id": 2}')

    assert [one.is_duplicate for one in accepted] == [False, True, True, True, True, False]
    assert len({one.event_id for one in accepted}) == Event.objects.count() == Run.objects.count() == 2
    assert Seen.objects.get(event_id=accepted[0].event_id).count == 4


def test_after_the_window_it_is_new(live) -> None:
    flow = live(deduping(window="1h"))
    (first,) = accept(flow, b'{"id": 1}')
    Seen.objects.update(until=statements.now() - 1)

    (second,) = accept(flow, b'{"id": 1}')
    (third,) = accept(flow, b'{"id": 1}')

    assert second.event_id != first.event_id
    assert not second.is_duplicate
    assert (third.event_id, third.is_duplicate) == (second.event_id, True)
    assert Seen.objects.get().count == 1


@pytest.mark.parametrize(
    ("key", "body"),
    [
        ("{{ event.body.missing }}", b'{"id": 1}'),
        ("{{ event.body.id }}", b'{"id": ""}'),
        ("{{ event.body.id }}", b'{"id": null}'),
        ("{{ event.body.id }} ", b'{"id": " "}'),
        ("{{ event.body.id }}", b'{"id": {}}'),
        ("{{ event.body.id }}", b"{not json"),
        ("{{ event.body.id }}", b"[" * 5_000),
        ("{{ 'x' * 10 ** 9 * event.body.id }}", b'{"id": 1}'),
    ],
)
def test_without_a_key_nothing_is_lost(live, key: str, body: bytes) -> None:
    flow = live(deduping(key))

    accepted = accept(flow, body, body)

    assert [one.is_duplicate for one in accepted] == [False, False]
    assert Event.objects.count() == Run.objects.count() == 2
    assert not Seen.objects.exists()


@pytest.mark.parametrize(
    ("key", "one", "other", "same"),
    [
        ("{{ event.body.id }}", b'{"id": 7}', b'{"id": "7"}', True),
        ("{{ event.body }}", b'{"a": 1, "b": 2}', b'{"b": 2, "a": 1}', True),
        ("{{ event.body.id }}-{{ event.body.n }}", b'{"id": 1, "n": 1}', b'{"id": 1, "n": 2}', False),
        ("{{ event.body.id }}", b'{"id": "a"}', b'{"id": "A"}', False),
        ("{{ event.raw }}", '{"id": "ключ"}'.encode(), '{"id": "ключ"}'.encode(), True),
    ],
)
def test_which_keys_are_the_same(live, key: str, one: bytes, other: bytes, same: bool) -> None:
    accepted = accept(live(deduping(key)), one, other)

    assert accepted[1].is_duplicate == same


def test_flows_do_not_share_keys(live) -> None:
    flows = [live(deduping()), live(deduping())]

    accepted = [accept(flow, b'{"id": 1}')[0] for flow in flows]

    assert [one.is_duplicate for one in accepted] == [False, False]


def test_a_draft_captures_once_and_forgets_it_when_published(workspace: Workspace) -> None:
    flow = flow_lifecycle.create_flow(workspace, deduping())
    captured = accept(flow, b'{"id": 1}', b'{"id": 1}')

    flow_lifecycle.publish(flow)
    (after,) = accept(flow, b'{"id": 1}')

    assert [one.is_duplicate for one in captured] == [False, True]
    assert not after.is_duplicate
    assert Run.objects.get().event_id == after.event_id


def test_samples_are_never_duplicates(live) -> None:
    flow = live(deduping())

    events = {sample_events.send_sample(flow).pk for _ in range(3)}

    assert len(events) == Run.objects.count() == 3


def test_a_changed_key_holds_from_the_next_commit_on(live) -> None:
    flow, cache = live(deduping("{{ event.body.missing }}")), TriggerCache()
    accept(flow, b'{"id": 1}', cache=cache)
    flow_lifecycle.save_draft(flow, deduping())
    flow_lifecycle.publish(flow)

    accepted = accept(flow, b'{"id": 1}', b'{"id": 1}', cache=cache)

    assert [one.is_duplicate for one in accepted] == [False, True]


def test_how_often_it_came_again(live) -> None:
    flow = live(deduping())
    accept(flow, *[b'{"id": 1}'] * 4)
    accept(flow, b'{"id": 2}')

    counts = [deduplication.duplicate_count(run) for run in Run.objects.order_by("id")]

    assert counts == [3, 0]


def test_it_costs_one_query_more_and_nothing_where_it_is_not_asked_for(live, django_assert_num_queries) -> None:
    flow, cache = live(deduping()), TriggerCache()
    cache.find(flow.trigger.token_digest)

    with django_assert_num_queries(6):
        accept(flow, *(b'{"id": %d}' % number for number in range(50)), cache=cache)

    assert Event.objects.count() == 50


def test_more_keys_than_one_statement_takes(live) -> None:
    flow = live(deduping())
    bodies = [b'{"id": %d}' % number for number in range(deduplication.ROWS_PER_STATEMENT + 5)]

    first, second = accept(flow, *bodies), accept(flow, *bodies)

    assert [one.event_id for one in second] == [one.event_id for one in first]
    assert Event.objects.count() == len(bodies)


def test_two_processes_at_once_store_one_event_a_key(live) -> None:
    flow = live(deduping())
    found: list[list[Accepted]] = []
    start = threading.Barrier(4)

    def store_all(order: int) -> None:
        cache = TriggerCache()
        # In another order each: two of them must not wait for each other.
        bodies = [b'{"id": %d}' % (number % 40) for number in range(80)][::order]
        start.wait()
        found.extend(accept(flow, *bodies[place : place + 10], cache=cache) for place in range(0, 80, 10))
        connection.close()

    threads = [threading.Thread(target=store_all, args=(order,)) for order in (1, -1, 1, -1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    accepted = [one for batch in found for one in batch]
    assert len(accepted) == 320
    assert Event.objects.count() == Run.objects.count() == 40
    assert {one.event_id for one in accepted} == set(Event.objects.values_list("pk", flat=True))
    assert sum(one.is_duplicate for one in accepted) == 280 == sum(Seen.objects.values_list("count", flat=True))
