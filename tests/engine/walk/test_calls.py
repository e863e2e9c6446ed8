"""Actions that make calls before their own request: each is made once, can be read, and is not lost by a crash."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from msgspec.structs import replace
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from relay.connectors import catalog, registry
from relay.engine.configuration import connections, variables
from relay.engine.database import statements
from relay.engine.flow_control import circuit_breaker
from relay.engine.flow_control.limiter import OpenCircuit, SendTarget
from relay.engine.preview import render_client, render_task
from relay.engine.runs import replay, run_actions, run_excerpts
from relay.engine.settle import settle
from relay.engine.walk import size_limits
from relay.engine.walk.runner import walk
from relay.engine.worker import claim
from relay.engine.worker.thread_pool import WalkThreads
from relay.engine.worker.work_loop import work
from relay.models import Attempt, HeldBy, Run, RunState, Workspace
from tests.engine.conftest import posting
from tests.engine.flow_control.test_circuit_breaker import sending_to
from tests.support import shop_catalog

pytestmark = pytest.mark.django_db(transaction=True)

TOKEN = "shopper-feedfacefeedface"
ORDER = {
    "id": "order",
    "kind": "action",
    "action": "shop.order",
    "connection": "Shop",
    "inputs": {"email": "{{ event.body.customer.name }}@example.com", "item": "tea"},
}
AFTER = {"id": "after", "kind": "set", "values": {"is": "{{ steps.order.order }} {{ steps.order.reservation }}"}}


class Shop:
    """The service. `does`: what it answers instead of its own answer, by path, once for each in the list."""

    def __init__(self, server: HTTPServer) -> None:
        self.server = server
        self.customers: dict[str, str] = {}
        self.done: dict[str, dict[str, Any]] = {}
        self.requests: list[tuple[str, str]] = []
        self.keys: list[str] = []
        self.written: list[str] = []  # the paths as they were sent
        self.bought: Counter[str] = Counter()
        self.does: dict[str, list[Any]] = {}
        server.expect_request(_Any()).respond_with_handler(self._answer)

    def _answer(self, request: Request) -> Response:
        self.requests.append((request.method, request.path))
        self.written.append(request.environ["REQUEST_URI"])
        self.keys.append(request.headers.get("Idempotency-Key", ""))
        for path, answers in self.does.items():
            if request.path.startswith(path) and answers:
                answer = answers.pop(0)
                return answer if isinstance(answer, Response) else answer(self, request)
        return self.usual(request)

    def usual(self, request: Request) -> Response:
        body = request.get_json(silent=True) or {}
        _, kind, *rest = request.path.split("/")
        if kind == "done":
            return _json({"asked": rest[0], "done": self.done.get(rest[0])})
        if request.method == "GET":
            known = self.customers.get(rest[0])
            return _json({"id": known}) if known else _json({"error": "nobody"}, 404)
        made = {"id": f"{kind}-{self.bought.total() + 1}"}
        self.bought[kind] += 1
        if kind == "customers":
            self.customers[body["email"]] = made["id"]
        self.done[body.get("key", "")] = made
        return _json(made, 201)

    @property
    def calls(self) -> list[str]:
        return [f"{method} {path.split('/')[1]}" for method, path in self.requests]


class _Any(str):
    """Every path."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return True

    __hash__ = str.__hash__


def _json(body: Any, status: int = 200) -> Response:
    return Response(json.dumps(body), status=status, content_type="application/json")


WHOLE = ["GET customers", "POST customers", "POST reservations", "PUT orders"]


@pytest.fixture
def in_catalogue(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    # Helper processes don't know the shop.
    monkeypatch.setattr(render_client, "check", lambda data, workspace: render_task.answer({"check": data}))
    folder = str(Path(shop_catalog.__path__[0]) / "connectors")
    catalog.__path__.append(folder)
    _forget()
    yield
    catalog.__path__.remove(folder)
    _forget()


def _forget() -> None:
    registry._connectors.cache_clear()
    registry._actions.cache_clear()


@pytest.fixture
def shop(destination: HTTPServer, in_catalogue: None) -> Shop:
    return Shop(destination)


@pytest.fixture
def ordering(workspace: Workspace, live, arrive, walkers: WalkThreads, shop: Shop) -> Run:
    """A run whose action makes three calls before its own request."""
    connections.set_connection(workspace, "Shop", "shop", {"token": TOKEN})
    walkers._sender = sending_to(shop.server, "https://shop.example")
    (run,) = arrive(live({**posting(""), "steps": [ORDER, AFTER]}))
    return run


def due(run: Run) -> None:
    """As if the time had come."""
    Run.objects.filter(pk=run.pk).update(due_at=statements.now())


def found(run: Run) -> tuple[str, str]:
    run.refresh_from_db()
    return run.state, run.reason


def tries(run: Run) -> list[tuple[str, int, str, int | None]]:
    rows = Attempt.objects.filter(run=run.pk).order_by("id")
    return [(one.step, one.number, one.state, one.status) for one in rows]


def walked(walkers: WalkThreads) -> None:
    """One claim, one walk, one settle."""
    settle.settle([walk(item, walkers._sender, walkers.limiter) for item in claim.claim()])


def crashed(run: Run, walkers: WalkThreads) -> None:
    """A worker walks the run, and dies before it stores anything."""
    for item in claim.claim():
        walk(item, walkers._sender, walkers.limiter)
    due(run)


# What it does


def test_the_calls_are_made_in_order_and_can_be_read(ordering: Run, walkers: WalkThreads, shop: Shop) -> None:
    work(walkers=walkers)

    assert found(ordering) == (RunState.SUCCEEDED, "")
    assert shop.calls == WHOLE
    assert tries(ordering) == [
        ("order.find", 1, "succeeded", 404),
        ("order.create", 1, "succeeded", 201),
        ("order.reserve", 1, "succeeded", 201),
        ("order", 1, "succeeded", 201),
    ]
    assert ordering.steps[-1]["outputs"] == {"is": "orders-3 reservations-2"}
    assert [(entry["id"], entry["kind"], entry["state"]) for entry in ordering.steps] == [
        ("order.find", "call", "succeeded"),
        ("order.create", "call", "succeeded"),
        ("order.reserve", "call", "succeeded"),
        ("order", "action", "succeeded"),
        ("after", "set", "set"),
    ]


def test_the_answers_of_calls_are_not_kept_in_the_trail_once_the_action_is_done(
    ordering: Run, walkers: WalkThreads
) -> None:
    work(walkers=walkers)

    ordering.refresh_from_db()
    assert all("outputs" not in entry for entry in ordering.steps if entry["kind"] == "call")


def test_a_call_that_is_not_needed_is_skipped(ordering: Run, walkers: WalkThreads, shop: Shop) -> None:
    shop.customers["Ada@example.com"] = "c-7"

    work(walkers=walkers)

    assert found(ordering) == (RunState.SUCCEEDED, "")
    assert shop.calls == [WHOLE[0], *WHOLE[2:]]
    assert [entry["state"] for entry in ordering.steps[:3]] == ["succeeded", "skipped", "succeeded"]
    sent = Attempt.objects.get(run=ordering.pk, step="order.reserve").request
    assert json.loads(sent["body"])["customer"] == "c-7"


def test_each_call_has_an_idempotency_key_of_its_own_for_all_of_its_tries(
    ordering: Run, walkers: WalkThreads, shop: Shop
) -> None:
    shop.does["/orders"] = [_json({}, 503)]
    work(walkers=walkers)
    due(ordering)
    work(walkers=walkers)

    assert found(ordering) == (RunState.SUCCEEDED, "")
    assert shop.calls == [*WHOLE, WHOLE[-1]]
    assert shop.keys[:4] == [f"{ordering.ref}-order{call}" for call in (".find", ".create", ".reserve", "")]
    assert shop.keys[4] == shop.keys[3]


@pytest.mark.parametrize("is_there", [True, False])
def test_an_upsert_creates_or_updates(
    is_there: bool, workspace: Workspace, live, arrive, walkers: WalkThreads, shop: Shop
) -> None:
    connections.set_connection(workspace, "Shop", "shop", {"token": TOKEN})
    walkers._sender = sending_to(shop.server, "https://shop.example")
    if is_there:
        shop.customers["a@b.example"] = "c 7/x"
    step = {**ORDER, "action": "shop.save", "inputs": {"email": "a@b.example"}}
    (run,) = arrive(live({**posting(""), "steps": [step]}))

    work(walkers=walkers)

    assert found(run) == (RunState.SUCCEEDED, "")
    assert shop.requests[1] == (("PUT", "/customers/c 7/x") if is_there else ("POST", "/customers"))


def test_a_loop_makes_the_calls_for_each_element(
    workspace: Workspace, live, arrive, walkers: WalkThreads, shop: Shop
) -> None:
    connections.set_connection(workspace, "Shop", "shop", {"token": TOKEN})
    walkers._sender = sending_to(shop.server, "https://shop.example")
    inner = {**ORDER, "inputs": {"email": "{{ item }}@b.example", "item": "tea"}}
    loop = {"id": "each", "kind": "loop", "over": ["x", "y", "x"], "steps": [inner]}
    after = {"id": "after", "kind": "set", "values": {"all": "{{ steps.order | map(attribute='order') | list }}"}}
    (run,) = arrive(live({**posting(""), "steps": [loop, after]}))

    work(walkers=walkers)

    assert found(run) == (RunState.SUCCEEDED, "")
    assert shop.calls == [*WHOLE, *WHOLE, WHOLE[0], *WHOLE[2:]]
    assert len(set(shop.keys)) == len(shop.keys)
    assert run.steps[-1]["outputs"]["all"] == ["orders-3", "orders-6", "orders-8"]


# Failures


def test_a_call_that_fails_fails_the_step_and_sends_nothing_more(
    ordering: Run, walkers: WalkThreads, shop: Shop
) -> None:
    shop.does["/reservations"] = [_json({"error": "sold out"}, 409)]

    work(walkers=walkers)

    assert found(ordering) == (RunState.FAILED, "Reserve the item: The answer was 409: sold out")
    assert shop.calls == WHOLE[:3]
    assert tries(ordering)[-1] == ("order.reserve", 1, "failed", 409)
    assert ordering.steps[-1]["id"] == "order"


def test_a_step_that_continues_after_a_failure_sees_the_answer_of_the_call(
    workspace: Workspace, live, arrive, walkers: WalkThreads, shop: Shop
) -> None:
    connections.set_connection(workspace, "Shop", "shop", {"token": TOKEN})
    walkers._sender = sending_to(shop.server, "https://shop.example")
    shop.does["/reservations"] = [_json({"error": "sold out"}, 409)]
    why = {"id": "why", "kind": "set", "values": {"was": "{{ steps.order.status }} {{ steps.order.error }}"}}
    (run,) = arrive(live({**posting(""), "steps": [{**ORDER, "on_error": "continue"}, why]}))

    work(walkers=walkers)

    assert found(run)[0] == RunState.PARTLY_FAILED
    assert run.steps[-1]["outputs"] == {"was": "409 Reserve the item: The answer was 409: sold out"}


def test_a_call_is_retried_alone(ordering: Run, walkers: WalkThreads, shop: Shop) -> None:
    shop.does["/customers"] = [_json({"error": "busy"}, 503)]
    work(walkers=walkers)
    waiting = found(ordering)
    due(ordering)
    work(walkers=walkers)

    assert waiting == (RunState.WAITING, "The answer was 503: busy")
    assert found(ordering) == (RunState.SUCCEEDED, "")
    assert shop.calls == [WHOLE[0], *WHOLE]
    assert [one[:3] for one in tries(ordering)[:2]] == [("order.find", 1, "retry"), ("order.find", 2, "succeeded")]


def test_the_condition_of_the_step_is_about_the_last_answer(
    workspace: Workspace, live, arrive, walkers: WalkThreads, shop: Shop
) -> None:
    connections.set_connection(workspace, "Shop", "shop", {"token": TOKEN})
    walkers._sender = sending_to(shop.server, "https://shop.example")
    success = {"left": "{{ answer.body.id }}", "op": "contains", "right": "orders"}
    (run,) = arrive(live({**posting(""), "steps": [{**ORDER, "success": success}]}))

    work(walkers=walkers)

    assert found(run) == (RunState.SUCCEEDED, "")


def test_a_refused_credential_holds_the_run_at_its_call(ordering: Run, walkers: WalkThreads, shop: Shop) -> None:
    shop.does["/reservations"] = [_json({"error": "who?"}, 401)]
    work(walkers=walkers)
    ordering.refresh_from_db()
    held = ordering.held_by

    connections.set_connection(ordering.workspace, "Shop", "shop", {"token": TOKEN + "-new"})
    for _ in range(3):
        circuit_breaker.tick()
        walkers.limiter.set_open_circuits(circuit_breaker.open_circuits())
        work(walkers=walkers)

    assert held == HeldBy.CREDENTIAL
    assert found(ordering) == (RunState.SUCCEEDED, "")
    assert shop.bought == {"customers": 1, "reservations": 1, "orders": 1}


HOSTILE = {
    "no JSON": Response("<html>", content_type="application/json"),
    "another type": _json(["id"]),
    "null": _json(None),
    "a list as id": _json({"id": ["a", {"b": 1}]}),
    "dots as id": _json({"id": "../../admin"}),
    "dots in disguise": _json({"id": "%2e%2e"}),
    "an endless list": _json({"id": [0] * 50_000}),
    "huge": Response(b'{"id": "' + b"x" * 3_000_000 + b'"}', content_type="application/json"),
    "nested": Response("[" * 90_000 + "]" * 90_000, content_type="application/json"),
    "an empty body": Response("", content_type="application/json"),
    "a template": _json({"id": "{{ connection.token }}"}),
}


@pytest.mark.parametrize("answer", HOSTILE.values(), ids=HOSTILE)
def test_no_answer_of_a_call_leads_to_another_address_or_is_taken_for_a_template(
    answer: Response, ordering: Run, walkers: WalkThreads, shop: Shop
) -> None:
    shop.does["/reservations"] = [answer]

    work(walkers=walkers)

    state, reason = found(ordering)
    assert state in (RunState.FAILED, RunState.SUCCEEDED), reason
    assert state == RunState.SUCCEEDED or reason
    assert all(uri.startswith("/orders/") and uri.count("/") == 2 for uri in shop.written[3:])
    assert TOKEN not in json.dumps(shop.requests)


# Secrets


def test_a_secret_that_a_call_repeats_is_stored_nowhere(ordering: Run, walkers: WalkThreads, shop: Shop) -> None:
    shop.does["/customers"] = [_json({"id": f"c-{TOKEN}", "echo": f"Bearer {TOKEN}"})]

    work(walkers=walkers)

    ordering.refresh_from_db()
    stored = statements.fetch("SELECT request, answer, error FROM relay_attempt")
    assert len(stored) == 3
    assert TOKEN not in repr(stored)
    assert TOKEN not in repr((ordering.trail, ordering.reason, ordering.title))


def test_a_secret_that_a_call_repeats_is_masked_after_a_crash_too(
    ordering: Run, walkers: WalkThreads, shop: Shop
) -> None:
    shop.does["/customers"] = [_json({"id": f"c-{TOKEN}"})]
    shop.does["/orders"] = [_json({}, 503)]
    work(walkers=walkers)
    ordering.refresh_from_db()
    waiting = repr(ordering.trail)
    due(ordering)
    work(walkers=walkers)

    assert found(ordering)[0] == RunState.SUCCEEDED
    assert TOKEN not in waiting + repr(statements.fetch("SELECT request, answer, error FROM relay_attempt"))


# Crashes and unknown outcomes


def test_a_worker_that_dies_after_any_call_repeats_none_that_must_not_be_repeated(
    ordering: Run, walkers: WalkThreads, shop: Shop
) -> None:
    """Before each walk that is stored, a worker walks as far and dies."""
    for _ in range(20):
        before = len(shop.requests)
        crashed(ordering, walkers)
        if len(shop.requests) > before and ordering.pk:
            # What was sent and must not be repeated is in doubt now, and the service is asked.
            walked(walkers)
            due(ordering)
        walked(walkers)
        if found(ordering)[0] not in (RunState.QUEUED, RunState.RUNNING, RunState.HELD):
            break
        due(ordering)

    assert found(ordering) == (RunState.SUCCEEDED, "")
    assert shop.bought["customers"] == shop.bought["reservations"] == 1


def test_what_was_done_is_stored_before_anything_more_is_sent(ordering: Run, walkers: WalkThreads, shop: Shop) -> None:
    seen: list[list[str]] = []

    def look(shop: Shop, request: Request) -> Response:
        seen.append([entry["id"] for entry in Run.objects.get(pk=ordering.pk).steps])
        connection.close()  # that of the server's thread
        return shop.usual(request)

    shop.does["/orders"], shop.does["/reservations"] = [look], [look]
    work(walkers=walkers)

    assert seen == [["order.find", "order.create"], ["order.find", "order.create", "order.reserve"]]


def test_a_call_with_an_unknown_outcome_is_asked_about(ordering: Run, walkers: WalkThreads, shop: Shop) -> None:
    def breaks(shop: Shop, request: Request) -> Response:
        shop.usual(request)
        return _json({"error": "gateway"}, 502)

    shop.does["/reservations"] = [breaks]
    work(walkers=walkers)
    ordering.refresh_from_db()
    held = (ordering.held_by, ordering.due_at is not None)
    due(ordering)
    work(walkers=walkers)

    assert held == (HeldBy.UNKNOWN, True)
    assert found(ordering) == (RunState.SUCCEEDED, "")
    assert shop.calls == [*WHOLE[:3], "GET done", WHOLE[3]]
    assert shop.bought["reservations"] == 1
    assert [one[:3] for one in tries(ordering)[2:4]] == [
        ("order.reserve", 1, "unknown"),
        ("order.reserve", 2, "succeeded"),
    ]


@pytest.mark.parametrize(("decide", "reservations"), [(run_actions.send_again, 2), (run_actions.was_done, 1)])
def test_a_person_decides_about_a_call(
    decide: Any, reservations: int, ordering: Run, walkers: WalkThreads, shop: Shop
) -> None:
    def breaks(shop: Shop, request: Request) -> Response:
        shop.usual(request)
        return _json({"error": "gateway"}, 502)

    shop.does["/reservations"] = [breaks]
    work(walkers=walkers)
    ordering.refresh_from_db()

    decide(ordering)
    work(walkers=walkers)

    # The answer of a call that a person says was done is not known, so a request that needs it can't be made.
    expected = RunState.SUCCEEDED if reservations == 2 else RunState.FAILED
    assert found(ordering)[0] == expected
    assert shop.bought["reservations"] == reservations


# Replays


def test_a_replay_takes_over_what_must_not_be_repeated(ordering: Run, walkers: WalkThreads, shop: Shop) -> None:
    shop.does["/reservations"] = [_json({"error": "sold out"}, 409)]
    work(walkers=walkers)
    ordering.refresh_from_db()

    copy = replay.from_failed_step(ordering)
    work(walkers=walkers)

    assert found(copy) == (RunState.SUCCEEDED, "")
    assert shop.calls == [*WHOLE[:3], *WHOLE[2:]]
    assert shop.bought["customers"] == 1
    assert [entry.get("from") for entry in copy.steps[:2]] == [ordering.ref, ordering.ref]


def test_a_replay_repeats_the_calls_that_may_be(ordering: Run, walkers: WalkThreads, shop: Shop) -> None:
    shop.does["/customers"] = [_json({}, 404), _json({"error": "no"}, 400)]
    work(walkers=walkers)
    ordering.refresh_from_db()
    failed = found(ordering)

    copy = replay.from_failed_step(ordering)
    work(walkers=walkers)

    assert failed == (RunState.FAILED, "Create the customer: The answer was 400: no")
    assert found(copy) == (RunState.SUCCEEDED, "")
    assert shop.calls == [*WHOLE[:2], *WHOLE]


def test_a_replay_of_a_later_step_takes_over_the_outputs_of_a_chain(
    workspace: Workspace, live, arrive, walkers: WalkThreads, shop: Shop
) -> None:
    connections.set_connection(workspace, "Shop", "shop", {"token": TOKEN})
    walkers._sender = sending_to(shop.server, "https://shop.example")
    save = {**ORDER, "id": "save", "action": "shop.save", "inputs": {"email": "x@b.example"}}
    shop.does["/customers/x"] = [_json({}, 400)]
    (run,) = arrive(live({**posting(""), "steps": [ORDER, save, AFTER]}))
    work(walkers=walkers)
    run.refresh_from_db()
    stored = [{key: value for key, value in entry.items() if key != "outputs"} for entry in run.steps]
    Run.objects.filter(pk=run.pk).update(trail=stored)
    run.refresh_from_db()

    copy = replay.from_failed_step(run)
    work(walkers=walkers)

    assert found(copy) == (RunState.SUCCEEDED, "")
    assert shop.calls.count("PUT orders") == 1
    assert copy.steps[-1]["outputs"] == {"is": "orders-3 reservations-2"}


def test_everything_of_a_step_has_its_calls(ordering: Run, walkers: WalkThreads) -> None:
    work(walkers=walkers)
    ordering.refresh_from_db()

    whole = json.loads(run_excerpts.step_json(ordering, "order"))
    call = json.loads(run_excerpts.step_json(ordering, "order.create"))

    assert [one["step"] for one in whole["attempts"]] == ["order.find", "order.create", "order.reserve", "order"]
    assert (call["step"]["kind"], [one["step"] for one in call["attempts"]]) == ("call", ["order.create"])


def test_answers_that_fill_the_trail_end_the_run_and_are_not_lost(
    ordering: Run, walkers: WalkThreads, shop: Shop
) -> None:
    shop.does["/customers"] = [_json({}, 404), _json({"id": "c-1", "more": "x" * 100_000}, 201)]
    walked(walkers)  # up to the mark of the second call
    (item,) = claim.claim()
    item = replace(item, trail_size=size_limits.MAX_TRAIL_BYTES - 50_000)
    settle.settle([walk(item, walkers._sender, walkers.limiter)])
    state, reason = found(ordering)
    left = {entry["id"]: entry.get("outputs") for entry in ordering.steps}

    copy = replay.from_failed_step(ordering)

    assert (state, "keep less in their values" in reason) == (RunState.FAILED, True)
    assert left == {"order.find": {"status": 404, "body": None}, "order.create": None}
    assert [entry["id"] for entry in copy.steps] == ["order.find", "order.create"]
    assert copy.steps[1]["outputs"]["body"]["id"] == "c-1"


def test_a_secret_of_the_inputs_that_a_call_repeats_is_stored_nowhere(
    workspace: Workspace, live, arrive, walkers: WalkThreads, shop: Shop
) -> None:
    secret = "sesame-street-1234567"
    variables.set_variable(workspace, "DOOR", secret, secret=True)
    connections.set_connection(workspace, "Shop", "shop", {"token": TOKEN})
    walkers._sender = sending_to(shop.server, "https://shop.example")
    shop.does["/customers"] = [_json({"id": "c-1", "echo": secret})]
    shop.does["/reservations"] = [_json({"id": f"r-{secret}"}, 201)]
    inputs = {"email": "a@b.example", "item": "{{ vars.DOOR }}{{ vars.DOOR | reverse | join }}"}
    (run,) = arrive(live({**posting(""), "steps": [{**ORDER, "inputs": inputs}, AFTER]}))

    work(walkers=walkers)

    run.refresh_from_db()
    stored = repr(statements.fetch("SELECT request, answer, error FROM relay_attempt")) + repr((run.trail, run.reason))
    assert len(tries(run)) == 3
    assert secret not in stored
    assert secret[::-1] not in stored


def test_a_destination_that_keeps_failing_holds_the_run_at_its_call(
    ordering: Run, walkers: WalkThreads, shop: Shop
) -> None:
    target = SendTarget(ordering.workspace_id, "https://shop.example", "Shop")

    def opens(shop: Shop, request: Request) -> Response:
        walkers.limiter.set_open_circuits({target: OpenCircuit(7, HeldBy.DESTINATION, "It keeps failing")})
        return shop.usual(request)

    shop.does["/customers"] = [opens]
    work(walkers=walkers)
    held = (*found(ordering), list(shop.calls))
    walkers.limiter.set_open_circuits({})
    run_actions.release(ordering)
    work(walkers=walkers)

    assert held == (RunState.HELD, "It keeps failing", WHOLE[:1])
    assert found(ordering) == (RunState.SUCCEEDED, "")
    assert shop.calls == WHOLE
