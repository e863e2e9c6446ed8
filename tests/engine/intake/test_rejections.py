"""Tests that a few rejected requests are kept, the rest is counted, and both are deleted in time."""

from __future__ import annotations

from typing import Any

import pytest

from relay.engine.configuration import flow_lifecycle
from relay.engine.database import statements
from relay.engine.intake import rejections
from relay.engine.intake.rejections import Rejected, Rejections
from relay.engine.intake.stored_request import StoredRequest
from relay.engine.intake.trigger_cache import CachedTrigger
from relay.engine.upkeep.retention import prune
from relay.flows.document import TriggerSettings
from relay.models import Flow, Rejection, Unkept, Workspace

pytestmark = pytest.mark.django_db(transaction=True)
DAY = 86_400_000


@pytest.fixture
def flow(workspace: Workspace) -> Flow:
    return flow_lifecycle.create_flow(workspace, {"relay": 1, "name": "F", "trigger": {"kind": "webhook"}, "steps": []})


def one_of(flow: Flow, **values: Any) -> Rejected:
    keeps_bodies = values.pop("keeps_bodies", True)
    settings = TriggerSettings(kind="webhook")
    trigger = CachedTrigger(flow.workspace_id, flow.pk, None, False, settings, keeps_bodies=keeps_bodies)
    usual = {"method": "GET", "query": "", "headers": "{}", "content_type": "", "body": b"{}", "remote": "127.0.0.1"}
    request = StoredRequest(**{name: values.pop(name, value) for name, value in usual.items()})
    reasons = {"why": "method", "reason": "It came as GET", "status": 405, "size": 2}
    return Rejected.of(trigger, request, **{**reasons, **values})


def test_a_flood_is_kept_in_part_and_counted_whole(flow: Flow) -> None:
    gathered = Rejections()

    for _ in range(1_000):
        gathered.add(one_of(flow))
    rejections.store(gathered.take())

    kept = Rejection.objects.count()
    assert rejections.BURST <= kept <= rejections.BURST + 5
    assert Unkept.objects.get().count == 1_000 - kept


def test_what_was_only_counted_adds_up(flow: Flow) -> None:
    for _ in range(2):
        gathered = Rejections()
        for _ in range(rejections.BURST + 10):
            gathered.add(one_of(flow))
        rejections.store(gathered.take())

    assert Rejection.objects.count() + Unkept.objects.get().count == 2 * (rejections.BURST + 10)


def test_many_flows_at_once_are_kept_up_to_a_limit(flow: Flow) -> None:
    gathered = Rejections()
    for number in range(rejections.MAX_PENDING * 2):
        flow.pk = number + 1
        gathered.add(one_of(flow))

    batch = gathered.take()

    assert len(batch.kept) == batch.more.total() == rejections.MAX_PENDING


def test_only_the_newest_of_a_flow_stay(flow: Flow) -> None:
    other = flow_lifecycle.create_flow(flow.workspace, flow.draft)
    rejections.store(rejections.RejectionBatch([one_of(other, reason="of another flow")]))

    for number in range(rejections.MAX_KEPT + 20):
        rejections.store(rejections.RejectionBatch([one_of(flow, reason=str(number))]))

    reasons = list(Rejection.objects.filter(flow=flow).order_by("id").values_list("reason", flat=True))
    assert reasons == [str(number) for number in range(20, rejections.MAX_KEPT + 20)]
    assert Rejection.objects.filter(flow=other).count() == 1


@pytest.mark.parametrize(("keeps_bodies", "kept"), [(True, rejections.MAX_BODY_BYTES), (False, 0)])
def test_bodies_are_cut_and_left_out_where_the_flow_keeps_none(flow: Flow, keeps_bodies: bool, kept: int) -> None:
    rejections.store(
        rejections.RejectionBatch([one_of(flow, body=b"x" * 100_000, size=100_000, keeps_bodies=keeps_bodies)])
    )

    one = Rejection.objects.get()
    assert (len(one.body), one.size) == (kept, 100_000)


@pytest.mark.parametrize(("days", "stays"), [(2.9, True), (3.1, False)])
def test_they_go_after_some_days(flow: Flow, days: float, stays: bool) -> None:
    rejections.store(rejections.RejectionBatch([one_of(flow)]))
    Unkept.objects.create(
        flow=flow, workspace=flow.workspace, count=1, last_at=statements.now() - int(days * DAY) * 1000
    )
    statements.execute("UPDATE relay_rejection SET id = id - %s", (int(days * DAY) << 22,))

    prune()

    assert (Rejection.objects.exists(), Unkept.objects.exists()) == (stays, stays)


def test_they_go_with_their_flow(flow: Flow) -> None:
    rejections.store(rejections.RejectionBatch([one_of(flow)]))
    Unkept.objects.create(flow=flow, workspace=flow.workspace, count=1, last_at=statements.now())

    flow_lifecycle.delete(flow)

    assert not Rejection.objects.exists()
    assert not Unkept.objects.exists()
