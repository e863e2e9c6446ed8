"""Tests that identical failures are counted as one issue when they are settled, by any number of workers."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.db.migrations.executor import MigrationExecutor
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from relay.engine.alerts import alert_mail, issues
from relay.engine.configuration import connections, flow_lifecycle
from relay.engine.database import statements
from relay.engine.flow_control import circuit_breaker
from relay.engine.flow_control.limiter import Limiter
from relay.engine.runs import run_actions
from relay.engine.settle import issue_counting, settle
from relay.engine.upkeep import retention
from relay.engine.walk.runner import walk
from relay.engine.worker import claim
from relay.engine.worker.thread_pool import WalkThreads
from relay.engine.worker.work_loop import work
from relay.errors import RelayError
from relay.models import (
    AuditEntry,
    Batch,
    Destination,
    Flow,
    Issue,
    IssueState,
    ReplayMode,
    Run,
    RunState,
    User,
    Workspace,
)
from relay.models.fields import micros
from relay.outbound import Sender
from tests.engine.conftest import ORDER, posting
from tests.engine.flow_control.test_circuit_breaker import CARD, KEYS, sending_to

pytestmark = pytest.mark.django_db(transaction=True)

FAILED: dict[str, Any] = {"retry": {"delays": []}}


def refusing(destination: HTTPServer, *, alerts: dict[str, Any] | None = None, path: str = "/hook") -> dict[str, Any]:
    """A flow whose only action fails at once; the error of its destination has the number of the order."""

    def refuse(request: Request) -> Response:
        return Response(f"unknown {request.get_json()['text']}", status=404)

    destination.expect_request(path).respond_with_handler(refuse)
    settings = {"settings": {"alerts": alerts}} if alerts else {}
    return {**posting(destination.url_for(path), **FAILED), **settings}


def orders(count: int) -> list[bytes]:
    return [b'{"id": %d}' % number for number in range(count)]


@pytest.fixture
def many() -> WalkThreads:
    return WalkThreads(Sender(allowed_networks=("127.0.0.0/8",)), most=8, limiter=Limiter(threads=64))


def test_identical_failures_are_one_issue(live, arrive, many: WalkThreads, destination: HTTPServer) -> None:
    flow = live(refusing(destination))
    arrived = arrive(flow, *orders(500))

    work(walkers=many)

    issue = Issue.objects.get()
    assert (issue.count, issue.state, issue.kind) == (500, IssueState.OPEN, "failed")
    assert (issue.flow_id, issue.workspace_id, issue.step, issue.step_name) == (
        flow.pk,
        flow.workspace_id,
        *["send"] * 2,
    )
    assert issue.cause.startswith("localhost says unknown order #")
    assert issue.first_at <= issue.last_at
    assert Run.objects.filter(issue_id=issue.pk, state=RunState.FAILED).count() == len(arrived)
    assert issue.last_run_id in {run.pk for run in arrived}


def test_distinct_causes_are_distinct_issues(live, arrive, walkers: WalkThreads, destination: HTTPServer) -> None:
    destination.expect_request("/gone").respond_with_data("gone", status=410)
    arrive(live(refusing(destination)), *orders(2))
    arrive(live(posting(destination.url_for("/gone"), **FAILED)), *orders(3))

    work(walkers=walkers)

    assert sorted(Issue.objects.values_list("count", flat=True)) == [2, 3]


def test_a_settle_of_failures_costs_four_queries_more(
    live, arrive, walkers: WalkThreads, destination: HTTPServer, django_assert_num_queries
) -> None:
    arrive(live(refusing(destination)), *orders(20))
    outcomes = [walk(work_item, walkers._sender, walkers.limiter) for work_item in claim.claim()]

    # The issue, the number of issues of its flow, the insert, its runs; and BEGIN, UPDATE, INSERT of attempts, COMMIT.
    with django_assert_num_queries(8):
        settle.settle(outcomes)

    assert Issue.objects.get().count == 20


def test_a_late_result_counts_nothing(live, arrive, walkers: WalkThreads, destination: HTTPServer) -> None:
    arrive(live(refusing(destination)))
    (stale,) = claim.claim()
    Run.objects.update(due_at=statements.now())  # the lease is over
    (fresh,) = claim.claim()

    settle.settle([walk(stale, walkers._sender, walkers.limiter)])
    late = Issue.objects.count()
    settle.settle([walk(fresh, walkers._sender, walkers.limiter)])

    assert late == 0
    assert Issue.objects.get().count == 1


def test_workers_count_in_one_issue_at_once(live, arrive, walkers: WalkThreads, destination: HTTPServer) -> None:
    flows = [live({**refusing(destination), "name": name}) for name in "ab"]
    for flow in flows:
        arrive(flow, *orders(40))
    work_items = claim.claim(64) + claim.claim(64)
    outcomes = [walk(work_item, walkers._sender, walkers.limiter) for work_item in work_items]
    start = threading.Barrier(4)

    def settle_some(place: int) -> None:
        start.wait(10)
        for first in range(place, len(outcomes), 8):
            settle.settle([*outcomes[first : first + 1], *outcomes[first + 4 : first + 5]])
        connection.close()

    threads = [threading.Thread(target=settle_some, args=(place,)) for place in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert list(Issue.objects.values_list("count", flat=True)) == [40, 40]
    assert Run.objects.filter(state=RunState.FAILED, issue_id__isnull=False).count() == 80


def test_a_refused_credential_is_an_issue(
    workspace: Workspace, live, arrive, walkers: WalkThreads, destination: HTTPServer
) -> None:
    destination.expect_request("/1/cards").respond_with_data("invalid token", status=401)
    walkers._sender = sending_to(destination, "https://api.trello.com")
    connections.set_connection(workspace, "Board", "trello", KEYS)
    arrive(live({**posting(""), "steps": [CARD]}), ORDER, ORDER)

    work(walkers=walkers)

    issue = Issue.objects.get()
    assert (issue.kind, issue.count) == ("credential", 2)
    assert issue.cause == "Trello refuses the credential: invalid token (401)"
    with pytest.raises(RelayError, match="These runs are held"):
        issues.replay(issue, ReplayMode.FAILED_STEPS)


def test_a_failing_destination_is_one_issue_that_ends_with_what_it_held(
    live, arrive, walkers: WalkThreads, destination: HTTPServer
) -> None:
    destination.expect_request("/hook").respond_with_data("down", status=503)
    arrive(live(posting(destination.url_for("/hook"))), *orders(15))
    while Run.objects.filter(state=RunState.WAITING).update(due_at=statements.now()) or not Run.objects.filter(
        state="held"
    ):
        work(walkers=walkers)
    held = Issue.objects.get()
    issues.resolve_finished(statements.now() + issues.QUIET)
    Issue.objects.update(alert_at=None)
    early = Issue.objects.get().state
    destination.clear()
    destination.expect_request("/hook").respond_with_data("ok")
    Destination.objects.all().delete()
    circuit_breaker.tick()
    walkers.limiter.set_open_circuits({})
    work(walkers=walkers)

    resolved = issues.resolve_finished(statements.now() + issues.QUIET + 1)

    assert (held.kind, held.count) == ("destination", 15)
    assert held.cause == "localhost keeps failing: down (503)"
    assert early == IssueState.OPEN
    assert resolved == 1
    assert Issue.objects.get().state == IssueState.RESOLVED


def test_a_probe_that_fails_is_not_counted_again(live, arrive, walkers: WalkThreads, destination: HTTPServer) -> None:
    destination.expect_request("/hook").respond_with_data("down", status=503)
    arrive(live(posting(destination.url_for("/hook"))), *orders(12))
    while Run.objects.filter(state=RunState.WAITING).update(due_at=statements.now()) or not Run.objects.filter(
        state="held"
    ):
        work(walkers=walkers)
    before = Issue.objects.get()
    destination.clear()
    destination.expect_request("/hook").respond_with_data("still down", status=500)
    statements.execute("UPDATE relay_destination SET probe_at = 0")
    circuit_breaker.tick()

    work(walkers=walkers)

    after = Issue.objects.get()
    assert after.count == before.count == 12
    assert after.last_at > before.last_at
    assert "still down" in after.reason


# Alerts that become due


def due() -> list[bool]:
    return [issue.alert_at is not None for issue in Issue.objects.order_by("pk")]


def told() -> None:
    """Mark every alert as just sent."""
    Issue.objects.filter(alert_at__isnull=False).update(alerted_at=statements.now(), alert_at=None)


@pytest.mark.parametrize(
    ("alerts", "is_due"),
    [(None, True), ({"on": "final_failure"}, True), ({"on": "first_failure"}, True), ({"on": "never"}, False)],
)
def test_a_final_failure_is_told_unless_never(
    alerts: dict[str, Any] | None, is_due: bool, live, arrive, walkers: WalkThreads, destination: HTTPServer
) -> None:
    arrive(live(refusing(destination, alerts=alerts)))

    work(walkers=walkers)

    assert due() == [is_due]


@pytest.mark.parametrize(("on", "found"), [("first_failure", [True]), ("final_failure", []), ("never", [])])
def test_a_first_failure_is_told_where_asked_for(
    on: str, found: list[bool], live, arrive, walkers: WalkThreads, destination: HTTPServer
) -> None:
    destination.expect_request("/hook").respond_with_data("busy", status=503)
    arrive(live({**posting(destination.url_for("/hook")), "settings": {"alerts": {"on": on}}}))

    work(walkers=walkers)

    assert due() == found


def test_tries_of_one_run_count_once(live, arrive, walkers: WalkThreads, destination: HTTPServer) -> None:
    destination.expect_request("/hook").respond_with_data("busy", status=503)
    document = posting(destination.url_for("/hook"), retry={"delays": ["1s", "1s"]})
    (run,) = arrive(live({**document, "settings": {"alerts": {"on": "first_failure"}}}))
    work(walkers=walkers)
    while Run.objects.filter(state=RunState.WAITING).update(due_at=statements.now()):
        work(walkers=walkers)

    run.refresh_from_db()
    issue = Issue.objects.get()
    assert (run.state, run.attempts.count()) == (RunState.FAILED, 3)
    assert (issue.count, run.issue_id) == (1, issue.pk)


@pytest.mark.parametrize(
    ("silence", "ago", "is_due"), [(None, 3_590, False), (None, 3_610, True), ("4h", 3_610, False), ("1m", 70, True)]
)
def test_the_same_is_not_told_again_for_a_while(
    silence: str | None, ago: int, is_due: bool, live, arrive, walkers: WalkThreads, destination: HTTPServer
) -> None:
    flow = live(refusing(destination, alerts={"silence": silence}))
    arrive(flow)
    work(walkers=walkers)
    Issue.objects.update(alerted_at=statements.now() - ago * 1_000_000, alert_at=None)
    arrive(flow)

    work(walkers=walkers)

    assert due() == [is_due]
    assert Issue.objects.get().count == 2


def test_a_clock_that_was_set_back_silences_nothing(
    live, arrive, walkers: WalkThreads, destination: HTTPServer
) -> None:
    flow = live(refusing(destination))
    arrive(flow)
    work(walkers=walkers)
    Issue.objects.update(alerted_at=statements.now() + 3_600_000_000, alert_at=None)
    arrive(flow)

    work(walkers=walkers)

    assert due() == [True]


# Actions of people


@pytest.fixture
def failing(live, arrive, walkers: WalkThreads, destination: HTTPServer) -> Callable[[], Issue]:
    """Let one more run fail for the same cause; return the issue."""
    flow = live(refusing(destination))

    def fail() -> Issue:
        arrive(flow)
        work(walkers=walkers)
        return Issue.objects.get()

    return fail


def test_what_is_resolved_and_comes_again_is_open_again_and_told(failing: Callable[[], Issue]) -> None:
    failing()
    first = failing()
    told()
    issues.resolve(first)
    resolved = Issue.objects.get().state

    again = failing()

    assert resolved == IssueState.RESOLVED
    assert (again.state, again.count, again.pk) == (IssueState.OPEN, 1, first.pk)
    assert again.first_at > first.first_at
    assert due() == [True]
    assert list(AuditEntry.objects.filter(verb="issue.resolved").values_list("thing_id", "change")) == [
        (first.ref, "2 runs")
    ]


def test_what_is_muted_is_only_counted(failing: Callable[[], Issue]) -> None:
    issues.mute(failing())

    again = failing()

    assert (again.state, again.count, due()) == (IssueState.MUTED, 2, [False])


def test_what_is_muted_can_be_told_again(failing: Callable[[], Issue]) -> None:
    issue = failing()
    issues.mute(issue)
    issues.unmute(issue)

    again = failing()

    assert (again.state, due()) == (IssueState.OPEN, [True])
    assert list(AuditEntry.objects.order_by("id").values_list("verb", flat=True))[-2:] == [
        "issue.muted",
        "issue.unmuted",
    ]


@pytest.mark.parametrize(
    ("state", "verb"),
    [("resolved", issues.resolve), ("muted", issues.mute), ("open", issues.unmute), ("resolved", issues.unmute)],
)
def test_what_is_done_already_is_refused(failing: Callable[[], Issue], state: str, verb: Any) -> None:
    issue = failing()
    Issue.objects.update(state=state)

    with pytest.raises(RelayError, match="This issue is"):
        verb(issue)


def test_all_runs_of_an_issue_are_replayed(failing: Callable[[], Issue], destination: HTTPServer) -> None:
    failing()
    issue = failing()

    batch = issues.replay(issue, ReplayMode.FAILED_STEPS)

    assert Issue.objects.get().state == IssueState.RESOLVED
    assert (batch.total, batch.chosen) == (2, {"issue": issue.ref, "unreplayed": True})
    assert Batch.objects.get().pk == batch.pk


def test_a_flow_that_fails_in_ever_new_words_has_a_bounded_number(
    live, arrive, many: WalkThreads, destination: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(issue_counting, "MAX_ISSUES_OF_FLOW", 3)
    words = iter("abcdefghij")
    destination.expect_request("/hook").respond_with_handler(lambda _: Response(f"no {next(words)}", status=400))
    flow = live(posting(destination.url_for("/hook"), **FAILED))
    for _ in range(2):
        arrive(flow, *orders(5))
        work(walkers=many)

    counts = dict(Issue.objects.values_list("cause", "count"))
    assert len(counts) == 4
    assert counts["Other failures at “send”"] == 7
    assert sum(counts.values()) == 10


def test_issues_go_when_nothing_is_left_of_them_for_long(failing: Callable[[], Issue]) -> None:
    issue = failing()
    Issue.objects.update(last_at=micros(issue.last_at) - int(retention.ISSUE_SECONDS * 1e6) - 1)
    retention.prune()
    with_runs = Issue.objects.count()
    Run.objects.all().delete()

    retention.prune()

    assert with_runs == 1
    assert Issue.objects.count() == 0


def test_issues_of_late_stay(failing: Callable[[], Issue]) -> None:
    failing()
    Run.objects.all().delete()

    retention.prune()

    assert Issue.objects.count() == 1


def test_an_issue_goes_with_its_flow(failing: Callable[[], Issue]) -> None:
    flow_lifecycle.delete(Flow.objects.get(pk=failing().flow_id))

    assert Issue.objects.count() == 0


def test_what_a_person_gave_up_is_none(live, arrive, walkers: WalkThreads, destination: HTTPServer) -> None:
    destination.expect_request("/hook").respond_with_data("busy", status=503)
    (run,) = arrive(live(posting(destination.url_for("/hook"))))
    work(walkers=walkers)
    run.refresh_from_db()

    run_actions.give_up(run)

    assert Issue.objects.count() == 0


@pytest.mark.exhaustive
def test_the_tables_of_issues_can_be_taken_back(live, arrive, walkers: WalkThreads, destination: HTTPServer) -> None:
    arrive(live(refusing(destination)))
    work(walkers=walkers)
    migrations = MigrationExecutor(connection)
    last = migrations.loader.graph.leaf_nodes("relay")

    try:
        migrations.migrate([("relay", "0013_tokens_go_with_their_maker")])
        tables = connection.introspection.table_names()
    finally:
        MigrationExecutor(connection).migrate(last)

    assert "relay_issue" not in tables
    assert (Issue.objects.count(), Run.objects.get().issue_id) == (0, None)


def test_upkeep_changes_issues_while_workers_count_in_them(
    owner: User, live, arrive, many: WalkThreads, destination: HTTPServer, settings: Any
) -> None:
    settings.EMAIL_URL = "smtp://127.0.0.1"  # the test replaces the thread, so no mail is sent
    settings.EMAIL_BACKEND = "django.core.mail.backends.dummy.EmailBackend"
    for number in range(30):
        arrive(live({**refusing(destination, alerts={"on": "final_failure"}), "name": str(number)}), *orders(8))
    work_items = [work_item for _ in range(4) for work_item in claim.claim(64)]
    outcomes = [walk(work_item, many._sender, many.limiter) for work_item in work_items]
    over, faults = threading.Event(), []

    def change() -> None:
        while not over.is_set():
            try:
                for number in Issue.objects.filter(mail_at=None).values_list("pk", flat=True):
                    Issue.objects.filter(pk=number).update(mail_at=1)
                postman = alert_mail.AlertMailer()
                postman.tick(statements.now())
                postman.finish()
                issues.resolve_finished(statements.now() + 2 * issues.QUIET)
            except OperationalError as error:
                faults.append(str(error))
        connection.close()

    thread = threading.Thread(target=change)
    thread.start()
    for first in range(20):
        settle.settle(outcomes[first::20])
    over.set()
    thread.join(30)

    assert faults == []
    assert Run.objects.filter(state=RunState.FAILED, issue_id__isnull=False).count() == 240


def test_what_is_over_by_itself_and_comes_again_soon_is_not_told_again(
    failing: Callable[[], Issue],
) -> None:
    failing()
    told()
    Run.objects.update(state=RunState.SUCCEEDED)
    issues.resolve_finished(statements.now() + issues.QUIET + 1)
    over = Issue.objects.get().state

    again = failing()

    assert over == IssueState.RESOLVED
    assert (again.state, again.count, due()) == (IssueState.OPEN, 1, [False])
