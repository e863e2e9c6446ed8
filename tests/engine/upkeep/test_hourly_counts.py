"""Tests that hourly counts have each run once, whether upkeep has counted it or not."""

from __future__ import annotations

import pytest

from relay.engine.database import statements
from relay.engine.upkeep import hourly_counts, search_index
from relay.models import Run
from tests.engine.conftest import posting

pytestmark = pytest.mark.django_db


def counted(flow) -> dict[str, int]:
    found: dict[str, int] = {}
    for flow_id, _, state, count in hourly_counts.counts(
        flow.workspace, since=hourly_counts.hour_at(statements.now()) - 23
    ):
        assert flow_id == flow.pk
        found[state] = found.get(state, 0) + count
    return found


def test_each_run_is_counted_once(live, arrive, monkeypatch) -> None:
    monkeypatch.setattr(search_index, "SETTLE_US", -60_000_000)
    flow = live(posting("https://example.com/"))
    first, second = arrive(flow, b"{}", b"{}")

    assert counted(flow) == {"queued": 2}
    Run.objects.filter(pk=first.pk).update(state="succeeded", due_at=None, finished_at=statements.now())
    assert counted(flow) == {"queued": 1, "succeeded": 1}
    search_index.index_some(5)
    assert counted(flow) == {"queued": 1, "succeeded": 1}
    Run.objects.filter(pk=second.pk).update(state="failed", due_at=None, finished_at=statements.now())
    assert counted(flow) == {"failed": 1, "succeeded": 1}
    for _ in range(2):
        search_index.index_some(5)
        assert counted(flow) == {"failed": 1, "succeeded": 1}
    arrive(flow, b"{}")
    assert counted(flow) == {"failed": 1, "succeeded": 1, "queued": 1}


def test_old_hours_are_forgotten(live, arrive, monkeypatch) -> None:
    monkeypatch.setattr(search_index, "SETTLE_US", -60_000_000)
    flow = live(posting("https://example.com/"))
    (run,) = arrive(flow, b"{}")
    Run.objects.filter(pk=run.pk).update(state="succeeded", due_at=None, finished_at=statements.now())
    search_index.index_some(5)

    monkeypatch.setattr(search_index, "COUNTED_HOURS", -2)
    search_index.index_some(5)

    assert counted(flow) == {}
