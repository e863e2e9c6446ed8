"""Claim, walk and settle against a real destination."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable

import pytest
from django.db import connection
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from relay import queues
from relay.engine.database import statements
from relay.engine.flow_control.limiter import Limiter, SharedLimits
from relay.engine.settle import settle
from relay.engine.walk.runner import walk
from relay.engine.walk.trail_entry import TrailEntry
from relay.engine.walk.work_item import InboxPost, Outcome
from relay.engine.worker import claim
from relay.engine.worker.thread_pool import WalkThreads
from relay.engine.worker.work_loop import work
from relay.models import Attempt, InboxMessage, Run, RunState, Version
from relay.outbound import Sender
from tests.engine.conftest import ORDER, posting
from tests.support.running import wait_until

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_run_is_delivered_and_kept(live, arrive, walkers: WalkThreads, destination: HTTPServer) -> None:
    destination.expect_request("/hook", method="POST").respond_with_data("thanks")
    (run,) = arrive(live(posting(destination.url_for("/hook"))))

    settled = work(walkers=walkers)

    run.refresh_from_db()
    attempt = run.attempts.get()
    request, _ = destination.log[0]
    assert settled == 1
    assert (run.state, run.due_at, run.tries) == (RunState.SUCCEEDED, None, 0)
    assert request.get_json() == {"text": "order #7"}
    assert request.headers["Idempotency-Key"] == f"{run.ref}-send"
    assert json.loads(attempt.request["body"]) == {"text": "order #7"}
    assert (attempt.status, attempt.answer["body"], attempt.number) == (200, "thanks", 1)


def test_many_runs_are_delivered_once_each(live, arrive, destination: HTTPServer) -> None:
    # Room for all threads: on a busy machine they send at once, and what finds no room is put back and settled again.
    walkers = WalkThreads(Sender(allowed_networks=("127.0.0.0/8",)), most=8, limiter=Limiter(threads=64))
    destination.expect_request("/hook").respond_with_data("ok")
    flow = live(posting(destination.url_for("/hook")))
    runs = arrive(flow, *(b'{"id": %d}' % number for number in range(200)))

    settled = work(walkers=walkers)

    texts = sorted(json.loads(request.data)["text"] for request, _ in destination.log)
    assert settled == len(runs) == 200
    assert texts == sorted(f"order #{number}" for number in range(200))
    assert set(Run.objects.values_list("state", flat=True)) == {RunState.SUCCEEDED}


def test_a_failing_destination_is_tried_again(live, arrive, walkers: WalkThreads, destination: HTTPServer) -> None:
    destination.expect_oneshot_request("/hook").respond_with_data("busy", status=503, headers={"Retry-After": "90"})
    destination.expect_request("/hook").respond_with_data("ok")
    (run,) = arrive(live(posting(destination.url_for("/hook"), retry={"delays": ["10s"]})))
    before = statements.now()

    work(walkers=walkers)
    run.refresh_from_db()
    waiting, due_in = run.state, run._meta.get_field("due_at").get_prep_value(run.due_at) - before
    Run.objects.update(due_at=statements.now())
    work(walkers=walkers)

    run.refresh_from_db()
    keys = {request.headers["Idempotency-Key"] for request, _ in destination.log}
    assert waiting == RunState.WAITING
    assert due_in >= 90_000_000
    assert run.state == RunState.SUCCEEDED
    assert list(run.attempts.order_by("id").values_list("number", "state")) == [(1, "retry"), (2, "succeeded")]
    assert len(keys) == 1


@pytest.mark.parametrize(("status", "state"), [(404, "failed"), (400, "failed"), (301, "failed"), (200, "succeeded")])
def test_an_answer_decides(
    status: int, state: str, live, arrive, walkers: WalkThreads, destination: HTTPServer
) -> None:
    destination.expect_request("/hook").respond_with_data("said", status=status)
    (run,) = arrive(live(posting(destination.url_for("/hook"))))

    work(walkers=walkers)

    run.refresh_from_db()
    assert run.state == state
    assert len(destination.log) == 1


def test_after_the_last_delay_a_run_has_failed(live, arrive, walkers: WalkThreads, destination: HTTPServer) -> None:
    destination.expect_request("/hook").respond_with_data("broken", status=500)
    (run,) = arrive(live(posting(destination.url_for("/hook"), retry={"delays": []})))

    work(walkers=walkers)

    run.refresh_from_db()
    assert run.state == RunState.FAILED
    assert "500" in run.reason


def test_a_late_result_changes_nothing(live, arrive, walkers: WalkThreads, destination: HTTPServer) -> None:
    destination.expect_request("/hook").respond_with_data("ok")
    (run,) = arrive(live(posting(destination.url_for("/hook"))))
    (stale,) = claim.claim()
    Run.objects.update(due_at=statements.now())  # the lease is over
    (fresh,) = claim.claim()

    late = settle.settle([walk(stale, walkers._sender, walkers.limiter)])
    kept = settle.settle([walk(fresh, walkers._sender, walkers.limiter)])

    run.refresh_from_db()
    assert (late, kept) == (0, 1)
    assert (run.state, run.fence) == (RunState.SUCCEEDED, 2)
    assert Attempt.objects.count() == 1


def test_what_is_claimed_is_claimed_once(live, arrive) -> None:
    arrive(live(posting("http://127.0.0.1:9/")), *[ORDER] * 5)

    first, second = claim.claim(), claim.claim()

    assert (len(first), len(second)) == (5, 0)


def test_a_version_that_cannot_be_read_fails_only_its_own_runs(live, arrive, walkers, destination: HTTPServer) -> None:
    destination.expect_request("/hook").respond_with_data("ok")
    odd, good = live(posting("http://127.0.0.1:9/")), live(posting(destination.url_for("/hook")))
    Version.objects.filter(flow=odd).update(document={"relay": 1, "steps": "none"})
    (broken,), (fine,) = arrive(odd), arrive(good)

    work(walkers=walkers)

    broken.refresh_from_db()
    fine.refresh_from_db()
    assert (broken.state, fine.state) == (RunState.FAILED, RunState.SUCCEEDED)
    assert "Publish it again" in broken.reason


def test_a_claim_costs_four_queries_however_many(live, arrive, django_assert_num_queries) -> None:
    arrive(live(posting("http://127.0.0.1:9/")), *[ORDER] * 64)

    with django_assert_num_queries(4):
        claimed = claim.claim()

    assert len(claimed) == 64


def test_a_settle_costs_four_queries_however_many(
    live, arrive, walkers: WalkThreads, destination: HTTPServer, django_assert_num_queries
) -> None:
    destination.expect_request("/hook").respond_with_data("ok")
    arrive(live(posting(destination.url_for("/hook"))), *[ORDER] * 20)
    outcomes = [walk(work_item, walkers._sender, walkers.limiter) for work_item in claim.claim()]

    # BEGIN, one UPDATE, one INSERT of attempts, COMMIT
    with django_assert_num_queries(4):
        settled = settle.settle(outcomes)

    assert settled == 20


def hang_up() -> None:
    connection.close()


def test_a_slow_destination_does_not_hold_up_the_rest(
    live, arrive, walkers: WalkThreads, destination: HTTPServer
) -> None:
    released = threading.Event()

    def wait(_: Request) -> Response:
        released.wait(5)
        return Response("late")

    destination.expect_request("/slow").respond_with_handler(wait)
    (slow,) = arrive(live(posting(destination.url_for("/slow"))))
    (fast,) = arrive(
        live(
            {
                **posting("inbox"),
                "steps": [{"id": "say", "kind": "action", "action": "inbox.post", "inputs": {"text": "hello"}}],
            }
        )
    )
    worker = threading.Thread(target=lambda: (work(walkers=walkers), hang_up()))

    worker.start()
    wait_until(lambda: Run.objects.get(pk=fast.pk).state == RunState.SUCCEEDED)
    slow_state = Run.objects.get(pk=slow.pk).state
    released.set()
    worker.join(10)

    assert slow_state == RunState.RUNNING
    assert Run.objects.get(pk=slow.pk).state == RunState.SUCCEEDED
    assert InboxMessage.objects.get().text == "hello"


UNSTORABLE: dict[str, Callable[[Outcome], None]] = {
    "refused by the database": lambda outcome: outcome.posts.append(InboxPost(channel=None, title="", text="")),  # type: ignore[arg-type]
    "no JSON": lambda outcome: outcome.trail.append(
        TrailEntry(id="x", kind="set", state="set", outputs={"x": object()})
    ),
    "too large a number": lambda outcome: setattr(outcome, "tries", 1 << 70),
}


@pytest.mark.parametrize("spoil", UNSTORABLE.values(), ids=UNSTORABLE)
def test_what_cannot_be_stored_keeps_no_other_from_being_settled(spoil, live, arrive, walkers: WalkThreads) -> None:
    say = {"id": "say", "kind": "action", "action": "inbox.post", "inputs": {"text": "order"}}
    arrive(live({**posting("https://example.com/"), "steps": [say]}), ORDER, ORDER)
    spoilt, fine = [walk(work_item, walkers._sender, walkers.limiter) for work_item in claim.claim()]
    spoil(spoilt)

    settled = settle.settle([spoilt, fine])

    states = dict(Run.objects.values_list("pk", "state"))
    assert settled == 2
    assert (states[spoilt.work_item.run_id], states[fine.work_item.run_id]) == ("failed", "succeeded")


def test_a_slow_destination_does_not_hold_up_what_comes_after_the_slice(
    live, arrive, walkers: WalkThreads, destination: HTTPServer, settings
) -> None:
    settings.WORKER_SLICE = 0.05
    released = threading.Event()
    destination.expect_request("/slow").respond_with_handler(lambda _: Response(str(released.wait(5))))
    say = {"id": "say", "kind": "action", "action": "inbox.post", "inputs": {"text": "hello"}}
    fast_flow = live({**posting("inbox"), "steps": [say]})
    (slow,) = arrive(live(posting(destination.url_for("/slow"))))
    worker = threading.Thread(target=lambda: (work(walkers=walkers), hang_up()))
    worker.start()
    wait_until(lambda: walkers.in_hand and not walkers.waiting)
    threading.Event().wait(settings.WORKER_SLICE * 4)  # the slice is over, the slow run is not

    (fast,) = arrive(fast_flow)

    wait_until(lambda: Run.objects.get(pk=fast.pk).state == RunState.SUCCEEDED, seconds=2)
    slow_state = Run.objects.get(pk=slow.pk).state
    released.set()
    worker.join(10)
    assert slow_state == RunState.RUNNING
    assert Run.objects.get(pk=slow.pk).state == RunState.SUCCEEDED


def test_a_worker_leaves_few_runs_to_another_that_watches(live, arrive, walkers: WalkThreads, settings) -> None:
    say = {"id": "say", "kind": "action", "action": "inbox.post", "inputs": {"text": "order {{ event.body.id }}"}}
    flow = live({**posting(""), "steps": [say]})
    settings.WORKER_SLICE = 60
    other = queues.WorkerHeartbeat(name="0")  # the first by name stays
    other.renew()
    stop = threading.Event()

    def keep_coming() -> None:
        while not stop.is_set():
            arrive(flow)
        connection.close()

    sender = threading.Thread(target=keep_coming)
    sender.start()
    work(walkers=walkers, linger=60)
    stop.set()
    sender.join()
    other.end()

    assert Run.objects.filter(state=RunState.SUCCEEDED).exists()


def test_a_worker_stays_for_what_it_has_put_back_for_a_moment(
    live, arrive, walkers: WalkThreads, destination: HTTPServer
) -> None:
    destination.expect_request("/hook").respond_with_data("ok")
    answers = iter([False, False, True])  # another worker's send is under way for two looks
    walkers.limiter = Limiter(16, SharedLimits(acquire_slot=lambda key, most, holder, seconds: next(answers)))
    (run,) = arrive(live({**posting(destination.url_for("/hook")), "settings": {"concurrency": 1}}))

    work(walkers=walkers, linger=0.02)

    run.refresh_from_db()
    assert (run.state, run.fence) == ("succeeded", 3)
