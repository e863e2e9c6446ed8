"""Tests that the cache notices a trigger's changes at once, and is not affected by changes of others."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from relay import vault
from relay.engine.configuration import flow_lifecycle, trigger_secrets
from relay.engine.intake import event_store
from relay.engine.intake import trigger_cache as engine
from relay.engine.intake.event_store import Arrival
from relay.engine.intake.stored_request import StoredRequest
from relay.engine.intake.trigger_cache import CachedTrigger, TriggerCache
from relay.models import Event, Flow, TriggerSecret, Workspace, sealing
from tests.engine.conftest import posting

pytestmark = pytest.mark.django_db(transaction=True)


def _draft(flow: Flow) -> None:
    flow_lifecycle.save_draft(flow, {**flow.draft, "name": "Another name"})


def _publish(flow: Flow) -> None:
    _draft(flow)
    flow_lifecycle.publish(flow)


CHANGES: dict[str, Callable[[Flow], object]] = {
    "published": _publish,
    "paused": flow_lifecycle.pause,
    "resumed": flow_lifecycle.resume,
    "released": lambda flow: flow_lifecycle.release(flow, per_minute=60),
    "discarded": flow_lifecycle.discard,
    "deleted": flow_lifecycle.delete,
    "secret added": lambda flow: trigger_secrets.add(flow, {"secret": "another"}),
    "secret ends": lambda flow: trigger_secrets.end(flow.trigger.secrets.get(), datetime.now(UTC) + timedelta(days=1)),
    "secret removed": lambda flow: trigger_secrets.remove(flow.trigger.secrets.get()),
    "former secrets removed": lambda flow: _with_another_sender(flow) and trigger_secrets.remove_former(flow),
    "secret brought": lambda flow: (
        TriggerSecret.objects.filter(trigger=flow.trigger).delete(),
        trigger_secrets.accept_handshake_secret(flow.pk, "", "brought", part="secret"),
    ),
}


def _with_another_sender(flow: Flow) -> bool:
    flow.trigger.secrets.update(sender="gitlab")
    return True


def verifying() -> dict[str, Any]:
    document = posting("http://example.com/")
    return {**document, "trigger": {"kind": "webhook", "verify": {"scheme": "header", "header": "X-Token"}}}


def made(workspace: Workspace, document: dict[str, Any] | None = None, *, live: bool = True) -> Flow:
    flow = flow_lifecycle.import_document(workspace, document or verifying(), publish_it=live)
    trigger_secrets.add(flow, {"secret": "first"})
    return flow


def arrival(flow: Flow) -> Arrival:
    return Arrival(flow.trigger.token_digest, StoredRequest("POST", "", "{}", "application/json", b"{}"), 1)


def known(cache: TriggerCache, flow: Flow) -> CachedTrigger:
    trigger = cache.find(flow.trigger.token_digest)
    assert trigger is not None
    return trigger


@pytest.mark.parametrize("change", CHANGES)
def test_each_change_makes_what_was_prepared_stale(workspace: Workspace, change: str) -> None:
    flow, cache = made(workspace), TriggerCache()
    prepared = event_store.prepare(arrival(flow), known(cache, flow))
    assert prepared is not None
    digest = flow.trigger.token_digest

    CHANGES[change](flow)
    (accepted,) = event_store.store([prepared])

    assert accepted.is_stale
    assert not Event.objects.exists()
    assert cache.refresh(digest) is not prepared.trigger
    assert (cache.refresh(digest) is None) is (change == "deleted")


def test_a_draft_that_is_saved_makes_what_was_prepared_stale(workspace: Workspace) -> None:
    flow = made(workspace, live=False)
    prepared = event_store.prepare(arrival(flow), known(TriggerCache(), flow))
    assert prepared is not None

    _draft(flow)

    assert event_store.store([prepared])[0].is_stale


@pytest.mark.parametrize("change", CHANGES)
def test_changes_elsewhere_cost_no_query_and_load_nothing(
    workspace: Workspace, change: str, django_assert_num_queries: Any
) -> None:
    changed, flow, cache = made(workspace), made(Workspace.objects.create(name="Other")), TriggerCache()
    trigger, post = known(cache, flow), arrival(flow)
    known(cache, changed)

    CHANGES[change](changed)

    # BEGIN, the revision of its own trigger, one INSERT of events, one of runs, COMMIT
    with django_assert_num_queries(5):
        (accepted,) = event_store.accept([post], cache)
    assert (accepted.is_stale, accepted.trigger is trigger) == (False, True)
    with django_assert_num_queries(1):
        assert cache.refresh(post.digest) is trigger


def test_the_key_ring_changes_all_doors(workspace: Workspace, settings: Any) -> None:
    flow, cache = made(workspace), TriggerCache()
    trigger = known(cache, flow)

    settings.VAULT_KEYS = [*sealing.ring(), vault.new_key()]
    prepared = event_store.prepare(arrival(flow), trigger)
    assert prepared is not None

    assert event_store.store([prepared])[0].is_stale
    assert cache.refresh(flow.trigger.token_digest) is not trigger


def test_what_is_unknown_or_gone_is_not_remembered(workspace: Workspace, django_assert_num_queries: Any) -> None:
    flow, cache = made(workspace), TriggerCache()
    digest = flow.trigger.token_digest
    cache.find(digest)
    flow_lifecycle.delete(flow)
    cache.refresh(digest)

    with django_assert_num_queries(4):
        found = [cache.find("0" * 64), cache.find("0" * 64), cache.find(digest), cache.refresh(digest)]

    assert found == [None] * 4
    assert cache.cached(digest) is None


def test_one_batch_of_many_flows(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: Any
) -> None:
    monkeypatch.setattr(engine, "FLOWS_PER_STATEMENT", 3)
    flows, cache = [made(workspace) for _ in range(7)], TriggerCache()
    posts = [arrival(flow) for flow in flows]
    for flow in flows:
        known(cache, flow)

    with django_assert_num_queries(7):
        accepted = event_store.accept(posts, cache)

    assert len({one.event_id for one in accepted} - {0}) == 7
