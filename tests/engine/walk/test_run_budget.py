"""One event leads to a limited number of runs when flows call each other."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from relay.connectors import registry, request_builder
from relay.connectors.request_builder import RelayHeaders
from relay.engine.configuration import flow_lifecycle
from relay.engine.intake import internal_events
from relay.engine.intake.event_data import RUN_BUDGET, EventData
from relay.engine.walk.trail_entry import TrailEntry
from relay.engine.walk.work_item import WorkItem
from relay.errors import RelayError
from relay.models import Event, Flow, Workspace
from relay.outbound import Request
from tests.support.walking import POST, Recorder, answer, walk, work_item

SLACK = {"id": "say", "kind": "action", "action": "inbox.post", "inputs": {"text": "x"}}


def post(number: int, **more: Any) -> dict[str, Any]:
    return {**POST, "id": f"send{number}", **more}


def loop(over: str, *steps: dict[str, Any], name: str = "each", **more: Any) -> dict[str, Any]:
    return {"id": name, "kind": "loop", "over": over, "as": f"of_{name}", "steps": list(steps), **more}


def event(budget: int | None, body: bytes = b"{}") -> EventData:
    headers = {} if budget is None else {"relay-hops": "1", "relay-budget": str(budget)}
    return EventData(1, "POST", "", json.dumps(headers, separators=(",", ":")), "application/json", body, 0)


def budgets(sent: list[Request]) -> list[int]:
    return [int(one.headers["Relay-Budget"]) for one in sent]


def handed(found: WorkItem) -> list[int]:
    """What a run hands on, request by request, until it ends."""
    sender = Recorder()
    trail: list[TrailEntry] = []
    while True:
        outcome = walk(_with(found, trail=trail), sender)
        trail = outcome.trail
        if outcome.is_final:
            assert outcome.state == "succeeded", outcome.reason
            return budgets(sender.sent)


def _with(found: WorkItem, **changes: Any) -> WorkItem:
    return WorkItem(**{**{name: getattr(found, name) for name in WorkItem.__slots__}, **changes})


def run_of(*steps: dict[str, Any], budget: int | None = None, **changes: Any) -> WorkItem:
    return _with(work_item(*steps), event=event(budget), **changes)


def test_an_event_from_outside_has_the_whole_budget() -> None:
    assert (event(None).budget, event(7).budget, event(10**8).budget) == (RUN_BUDGET, 7, RUN_BUDGET)


def test_one_action_hands_on_half_of_what_is_left_and_its_next_tries_the_rest() -> None:
    tries = [handed(run_of(post(1), tries=tries))[0] for tries in range(16)]

    assert tries[:3] == [5000, 2500, 1250]
    assert tries[-1] == 0
    assert sum(tries) <= RUN_BUDGET - 1


@pytest.mark.parametrize(
    "steps",
    [
        [post(1), post(2), post(3)],
        [loop("{{ range(30) | list }}", post(1))],
        [loop("{{ range(7) | list }}", post(1), loop("{{ range(of_each) | list }}", post(2), name="inner"), post(3))],
        [{"id": "b", "kind": "branch", "branches": [{"when": {"all": []}, "steps": [post(1), post(2)]}], "else": []}],
        [loop("{{ range(9) | list }}", post(1)), loop("{{ range(90) | list }}", post(2), name="other"), post(3)],
    ],
)
@pytest.mark.parametrize("budget", [None, 900, 50, 3, 1])
def test_what_a_run_hands_on_and_itself_are_never_more_than_its_budget(
    steps: list[dict[str, Any]], budget: int | None
) -> None:
    given = handed(run_of(*steps, budget=budget))

    assert sum(given) + 1 <= (budget or RUN_BUDGET)
    assert min(given) >= 0


def test_parts_of_a_split_share_the_budget() -> None:
    split = work_item(post(1), trigger={"split": "{{ event.body.items }}"})
    body = json.dumps({"items": list(range(20))}).encode()

    each = [handed(_with(split, event=event(None, body), part=part)) for part in range(1, 21)]

    assert 20 + sum(sum(one) for one in each) <= RUN_BUDGET
    assert each[0] == [250]


def test_more_parts_than_are_left_are_no_split() -> None:
    split = work_item(post(1), trigger={"split": "{{ event.body.items }}"})
    body = json.dumps({"items": list(range(20))}).encode()

    outcome = walk(_with(split, event=event(19, body), part=1), Recorder())

    assert outcome.state == "failed"
    assert "of the runs that flows may cause by calling each other 19 are left" in outcome.reason


def test_a_thousand_elements_reach_a_third_flow() -> None:
    first = handed(run_of(loop("{{ range(1000) | list }}", post(1))))
    second = handed(run_of(post(1), budget=first[0]))
    third = handed(run_of(post(1), budget=second[0]))

    assert len(first) == 1000
    assert min(first) >= 1
    assert (second[0] >= 1, third[0] >= 0) == (True, True)


def test_a_chain_as_deep_as_hops_allow_goes_through() -> None:
    budget: int | None = None
    for _ in range(10):
        (budget,) = handed(run_of(post(1), budget=budget))

    assert budget
    assert budget >= 1


def test_arms_of_a_branch_do_not_divide_what_one_of_them_hands_on() -> None:
    arms = [{"when": {"any": []}, "steps": [post(number)]} for number in range(2, 12)]
    branch = {"id": "b", "kind": "branch", "branches": arms, "else": [post(1)]}

    assert handed(run_of(branch)) == [5000]


def simulate(steps: list[dict[str, Any]], *, status: int, chance: random.Random, most: int) -> int:
    """Runs until flows that call themselves have come to an end; each request may be sent several times."""
    queue, runs = [most], 0
    while queue and runs <= most:
        runs += 1
        budget = queue.pop(chance.randrange(len(queue)))
        found = run_of(*steps, budget=budget)
        for tries in range(5 if status == 503 else 1):
            sender = Recorder(*[answer(200)] * 200)
            walk(_with(found, tries=tries), sender)
            again = sender.sent[:1] if tries else sender.sent  # the first action is tried again, and no other
            queue += [one for one in budgets(again) if one]
    return runs


@pytest.mark.parametrize("status", [200, 503])
def test_flows_that_call_themselves_come_to_an_end(status: int) -> None:
    steps = [post(1), loop("{{ range(3) | list }}", post(2))]

    assert 5 < simulate(steps, status=status, chance=random.Random(7), most=300) <= 300


# Who says it


@pytest.mark.parametrize("name", ["Relay-Budget", "relay-budget", "RELAY-HOPS", "Relay-Hops"])
def test_no_flow_says_it_itself(name: str) -> None:
    headers = {name: "9999", name.lower(): "8888"}
    (sent,) = _sent(post(1, inputs={"url": "https://example.com/x", "headers": headers}))

    said = {key.lower(): value for key, value in sent.headers.items() if key.lower().startswith("relay-")}
    assert len([key for key in sent.headers if key.lower().startswith("relay-")]) == 2
    assert said == {"relay-hops": "1", "relay-budget": "5000"}


def _sent(*steps: dict[str, Any]) -> list[Request]:
    sender = Recorder()
    walk(run_of(*steps), sender)
    return sender.sent


def test_only_what_can_call_a_flow_says_it() -> None:
    for connector in registry.list_connectors():
        fixed = bool(connector.hosts) and not any("{{" in host for host in connector.hosts)
        assert request_builder.may_call_flows(connector) is not fixed


def test_a_request_says_for_whom_it_is_sent() -> None:
    (sent,) = _sent(post(1))

    assert sent.owner == 1


def test_an_inquiry_says_no_budget() -> None:
    assert RelayHeaders(1, 2).headers == {"Relay-Hops": "2"}


# Other ways in which one event leads to others


DOCUMENT = {"relay": 1, "name": "F", "trigger": {"kind": "webhook"}, "steps": [SLACK]}


@pytest.fixture
def flow(workspace: Workspace) -> Flow:
    return flow_lifecycle.import_document(workspace, DOCUMENT, publish_it=True)


@pytest.mark.django_db
def test_an_alert_is_a_call_of_what_it_tells_of(flow: Flow) -> None:
    event_id = internal_events.start_by_alert(flow, {"x": 1}, event(100))

    headers = Event.objects.get(pk=event_id).headers
    assert (headers["relay-hops"], headers["relay-budget"]) == ("2", "50")


@pytest.mark.django_db
def test_alerts_that_go_in_circles_end(flow: Flow) -> None:
    cause: EventData | None = None
    count = 0
    with pytest.raises(RelayError, match="in circles"):
        while count < 100:
            row = Event.objects.get(pk=internal_events.start_by_alert(flow, {"x": 1}, cause))
            cause = EventData(row.pk, "ALERT", "", json.dumps(row.headers, separators=(",", ":")), "", b"", 0)
            count += 1

    assert count <= 11
