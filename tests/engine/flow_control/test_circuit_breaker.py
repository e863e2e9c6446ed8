"""Tests that runs are held for failing or refusing destinations without using up attempts, probed and released."""

from __future__ import annotations

import threading

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Response

from relay.engine.configuration import connections
from relay.engine.database import statements
from relay.engine.flow_control import circuit_breaker
from relay.engine.flow_control.failure_rate import MIN_SENDS
from relay.engine.runs import run_actions
from relay.engine.settle import settle
from relay.engine.walk.runner import walk
from relay.engine.worker import claim
from relay.engine.worker.thread_pool import WalkThreads
from relay.engine.worker.work_loop import work
from relay.errors import RelayError
from relay.models import Destination, HeldBy, Run, RunState, Workspace
from relay.outbound import Sender
from tests.engine.conftest import ORDER, posting
from tests.support.running import wait_until

pytestmark = pytest.mark.django_db(transaction=True)

CARD = {
    "id": "card",
    "kind": "action",
    "action": "trello.create_card",
    "connection": "Board",
    "inputs": {"list_id": "5abbe4b7ddc1b351ef961414", "name": "Order {{ event.body.id }}"},
}
KEYS = {"key": "0123456789abcdef0123456789abcdef", "token": "ATTAfeedfacefeedface"}


def make_due() -> None:
    Run.objects.filter(state=RunState.WAITING).update(due_at=statements.now())


@pytest.fixture
def broken(live, arrive, walkers: WalkThreads, destination: HTTPServer) -> list[Run]:
    """Runs whose destination answered 503 until the breaker opened."""
    destination.expect_request("/hook").respond_with_data("down", status=503)
    runs = arrive(live(posting(destination.url_for("/hook"))), *[ORDER] * (MIN_SENDS + 5))
    work(walkers=walkers)
    make_due()
    work(walkers=walkers)
    return runs


def test_a_failing_destination_holds_its_runs(broken: list[Run]) -> None:
    held = Run.objects.filter(state=RunState.HELD)

    assert held.count() == len(broken)
    assert set(held.values_list("held_by", flat=True)) == {HeldBy.DESTINATION}
    assert all("503" in run.reason for run in held)
    assert {run.tries for run in held} == {1}


def test_held_runs_cost_no_try(broken: list[Run], destination: HTTPServer, walkers: WalkThreads) -> None:
    sent = len(destination.log)

    work(walkers=walkers)

    assert len(destination.log) == sent


def test_a_probe_that_fails_waits_longer(broken: list[Run], destination: HTTPServer, walkers: WalkThreads) -> None:
    sent = len(destination.log)
    Destination.objects.update(probe_at=statements.now())

    circuit_breaker.tick()
    work(walkers=walkers)

    row = Destination.objects.get()
    assert len(destination.log) == sent + 1
    assert (row.state, row.probes) == ("open", 1)
    assert Run.objects.filter(state=RunState.HELD).count() == len(broken)


def test_a_probe_that_is_answered_lets_the_rest_out(
    broken: list[Run], destination: HTTPServer, walkers: WalkThreads
) -> None:
    destination.clear()
    destination.expect_request("/hook").respond_with_data("ok")
    Destination.objects.update(probe_at=statements.now())

    let_out = []
    for _ in range(8):
        circuit_breaker.tick()
        work(walkers=walkers)
        walkers.limiter.set_open_circuits(circuit_breaker.open_circuits())
        let_out.append(Run.objects.filter(state=RunState.SUCCEEDED).count())

    assert let_out[:4] == [1, 2, 4, 8]
    assert let_out[-1] == len(broken)
    assert Destination.objects.count() == 0


def test_a_probe_that_is_answered_tells_nothing_of_what_it_sends_elsewhere(
    live, arrive, walkers: WalkThreads, destination: HTTPServer
) -> None:
    destination.expect_request("/hook").respond_with_data("down", status=503)
    document = posting(destination.url_for("/hook"))
    elsewhere = posting(destination.url_for("/other").replace("localhost", "127.0.0.1"))["steps"][0]
    runs = arrive(live({**document, "steps": [*document["steps"], {**elsewhere, "id": "other"}]}), *[ORDER] * MIN_SENDS)
    work(walkers=walkers)
    make_due()
    work(walkers=walkers)
    destination.clear()
    destination.expect_request("/hook").respond_with_data("ok")
    destination.expect_request("/other").respond_with_data("down", status=503)
    Destination.objects.update(probe_at=statements.now())

    circuit_breaker.tick()
    work(walkers=walkers)

    probe = Run.objects.get(pk=runs[0].pk)
    assert Destination.objects.get().state == "closing"
    assert (probe.state, probe.tries, probe.destination_id) == (RunState.WAITING, 1, None)


def test_a_refused_credential_holds_until_it_is_changed(
    workspace: Workspace, live, arrive, walkers: WalkThreads, destination: HTTPServer
) -> None:
    destination.expect_request("/1/cards").respond_with_data("invalid token", status=401)
    walkers._sender = sending_to(destination, "https://api.trello.com")
    connections.set_connection(workspace, "Board", "trello", KEYS)
    first, second = arrive(live({**posting(""), "steps": [CARD]}), ORDER, ORDER)

    work(walkers=walkers)
    held = list(Run.objects.filter(state=RunState.HELD).values_list("held_by", "tries"))
    destination.clear()
    destination.expect_request("/1/cards").respond_with_json({"id": "c1"})
    connections.set_connection(workspace, "Board", "trello", {**KEYS, "token": "ATTAbetterbetterbetter"})
    for _ in range(3):
        circuit_breaker.tick()
        walkers.limiter.set_open_circuits(circuit_breaker.open_circuits())
        work(walkers=walkers)

    first.refresh_from_db()
    second.refresh_from_db()
    assert held == [(HeldBy.CREDENTIAL, 0)] * 2
    assert (first.state, second.state) == (RunState.SUCCEEDED, RunState.SUCCEEDED)


def sending_to(destination: HTTPServer, origin: str):
    target = destination.url_for("").rstrip("/")
    return Sender(allowed_networks=("127.0.0.0/8",), origins={origin: target}, timeout=1.0)


# Actions that must not be done twice

SMS = {
    "id": "sms",
    "kind": "action",
    "action": "twilio.send_sms",
    "connection": "Phone",
    "inputs": {"to": "+4915112345678", "from": "+15005550006", "body": "Order {{ event.body.id }}"},
}
PHONE = {"account_sid": "AC" + "0" * 32, "auth_token": "feedfacefeedfacefeedface"}
MESSAGES = f"/2010-04-01/Accounts/{PHONE['account_sid']}/Messages.json"


@pytest.fixture
def texting(workspace: Workspace, live, arrive, walkers: WalkThreads, destination: HTTPServer) -> Run:
    """A run whose action sends a text message."""
    connections.set_connection(workspace, "Phone", "twilio", PHONE)
    walkers._sender = sending_to(destination, "https://api.twilio.com")
    (run,) = arrive(live({**posting(""), "steps": [SMS]}))
    return run


def test_it_is_marked_before_it_is_sent(texting: Run, walkers: WalkThreads, destination: HTTPServer) -> None:
    marks = []

    def answer(_):
        marks.append(Run.objects.values_list("marked_step", "fence").get())
        return Response('{"sid": "SM1"}', content_type="application/json")

    destination.expect_request(MESSAGES).respond_with_handler(answer)

    work(walkers=walkers)

    texting.refresh_from_db()
    assert marks == [("sms", 2)]
    assert (texting.state, texting.marked_step) == (RunState.SUCCEEDED, "")
    assert destination.log[0][0].form["Body"] == "Order 7"
    assert destination.log[0][0].authorization.username == PHONE["account_sid"]


def test_a_crash_in_between_leaves_it_unknown(texting: Run, walkers: WalkThreads, destination: HTTPServer) -> None:
    settle.settle([walk(claim.claim()[0], walkers._sender, walkers.limiter)])  # marked
    claim.claim()  # claimed by a worker that dies now
    Run.objects.update(due_at=statements.now())

    work(walkers=walkers)

    texting.refresh_from_db()
    assert (texting.state, texting.held_by) == (RunState.HELD, HeldBy.UNKNOWN)
    assert destination.log == []
    with pytest.raises(RelayError, match="Send again"):
        run_actions.release(texting)


def test_what_is_missing_since_does_not_hide_that_it_may_have_been_sent(texting: Run, walkers: WalkThreads) -> None:
    settle.settle([walk(claim.claim()[0], walkers._sender, walkers.limiter)])  # marked
    claim.claim()  # claimed by a worker that dies now
    Run.objects.update(due_at=statements.now())
    texting.workspace.connections.all().delete()

    work(walkers=walkers)

    texting.refresh_from_db()
    assert (texting.state, texting.held_by) == (RunState.HELD, HeldBy.UNKNOWN)


def test_no_answer_leaves_it_unknown(texting: Run, walkers: WalkThreads, destination: HTTPServer) -> None:
    released = threading.Event()
    destination.expect_request(MESSAGES).respond_with_handler(lambda _: Response(str(released.wait(5))))

    work(walkers=walkers)
    work(walkers=walkers)
    released.set()
    wait_until(lambda: destination.log)

    texting.refresh_from_db()
    assert (texting.state, texting.held_by) == (RunState.HELD, HeldBy.UNKNOWN)
    assert texting.reason.startswith("The request was sent, but no answer came in time. It was sent")
    assert len(destination.log) == 1


def test_a_gateways_answer_leaves_it_unknown(texting: Run, walkers: WalkThreads, destination: HTTPServer) -> None:
    destination.expect_request(MESSAGES).respond_with_data("gateway", status=504)

    work(walkers=walkers)
    work(walkers=walkers)

    texting.refresh_from_db()
    assert (texting.state, texting.held_by) == (RunState.HELD, HeldBy.UNKNOWN)
    assert len(destination.log) == 1


def test_a_person_decides(texting: Run, walkers: WalkThreads, destination: HTTPServer) -> None:
    destination.expect_oneshot_request(MESSAGES).respond_with_data("gateway", status=504)
    destination.expect_request(MESSAGES).respond_with_json({"sid": "SM2"})
    work(walkers=walkers)
    texting.refresh_from_db()

    run_actions.send_again(texting)
    work(walkers=walkers)

    texting.refresh_from_db()
    assert texting.state == RunState.SUCCEEDED
    assert len(destination.log) == 2


def test_a_person_says_it_was_done(texting: Run, walkers: WalkThreads, destination: HTTPServer) -> None:
    destination.expect_request(MESSAGES).respond_with_data("gateway", status=504)
    work(walkers=walkers)
    texting.refresh_from_db()

    run_actions.was_done(texting)
    work(walkers=walkers)

    texting.refresh_from_db()
    assert texting.state == RunState.SUCCEEDED
    assert texting.steps[0]["by_hand"] is True
    assert len(destination.log) == 1
