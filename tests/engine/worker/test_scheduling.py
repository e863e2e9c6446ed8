"""Due runs are chosen fairly while some flows are crowded."""

from __future__ import annotations

import pytest

from relay.engine.database import statements
from relay.engine.worker import scheduling
from relay.models import Flow, Run, Workspace
from tests.engine.conftest import posting

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def flows(live, arrive) -> list[Flow]:
    """Three flows, of which 5 runs are due of each: those of the first before those of the second, and so on."""
    made = [live({**posting("https://example.com/"), "name": name}) for name in ("One", "Two", "Three")]
    for flow in made:
        arrive(flow, *[b"{}"] * 5)
    return made


def of(flow: Flow, *numbers: int) -> list[int]:
    """Some of a flow's runs, by their order."""
    every = list(Run.objects.filter(flow=flow).order_by("due_at", "id").values_list("pk", flat=True))
    return [every[number] for number in numbers]


def flows_of(chosen: list[int]) -> set[int]:
    return set(Run.objects.filter(pk__in=chosen).values_list("flow", flat=True))


def test_the_oldest_are_next(flows: list[Flow]) -> None:
    assert set(scheduling.oldest(5)) == set(of(flows[0], 0, 1, 2, 3, 4))


def test_of_crowded_flows_no_more_are_chosen_than_have_room(flows: list[Flow]) -> None:
    one, two, three = flows
    fair = scheduling.FairScheduler()

    chosen = fair.choose(64, {one.pk: 0, two.pk: 2})

    assert sorted(chosen) == sorted(of(two, 0, 1) + of(three, 0, 1, 2, 3, 4))
    assert fair.exhausted == set()


def test_flows_take_turns(flows: list[Flow]) -> None:
    one, two, three = flows

    chosen = scheduling.FairScheduler().choose(3, {one.pk: 5})

    assert set(chosen) == {*of(one, 0), *of(two, 0), *of(three, 0)}


def test_workspaces_take_turns_before_their_flows(flows: list[Flow]) -> None:
    one, two, three = flows
    other = Workspace.objects.create(name="Other")
    Run.objects.filter(flow=three).update(workspace=other)

    chosen = scheduling.FairScheduler().choose(4, {})

    assert set(chosen) == {*of(one, 0), *of(two, 0), *of(three, 0, 1)}


def test_flows_with_room_left_out_do_not_hide_those_behind_them(
    flows: list[Flow], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scheduling, "MAX_FLOWS", 1)
    fair = scheduling.FairScheduler()
    one, two, three = flows

    chosen = [fair.choose(64, {one.pk: 0, two.pk: 0}) for _ in range(3)]

    assert sorted(chosen[2]) == sorted(of(three, 0, 1, 2, 3, 4))


def test_each_choice_begins_with_another_flow(flows: list[Flow]) -> None:
    fair = scheduling.FairScheduler()

    begun = [flows_of(fair.choose(1, {0: 0})) for _ in range(4)]

    assert begun == [{flow.pk} for flow in [*flows, flows[0]]]


def test_all_flows_are_looked_at_in_the_end(flows: list[Flow], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scheduling, "MAX_FLOWS", 1)
    fair = scheduling.FairScheduler()

    chosen = [flows_of(fair.choose(64, {0: 0})) for _ in range(9)]

    assert max(map(len, chosen)) == 1
    assert set().union(*chosen) == {flow.pk for flow in flows}


def test_a_crowded_flow_of_which_few_are_due_is_exhausted(flows: list[Flow]) -> None:
    one, two, _ = flows
    Run.objects.filter(pk__in=of(one, 1, 2, 3, 4)).update(due_at=statements.now() + 60_000_000)
    fair = scheduling.FairScheduler()

    fair.choose(64, {one.pk: 2, two.pk: 5, 0: 1, -2: 0})

    assert fair.exhausted == {one.pk, 0}
