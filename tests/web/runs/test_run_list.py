"""Tests of the lists of runs, and of the page of one run."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client

from relay.engine.intake import sample_events
from relay.models import Attempt, Flow, Run
from relay.web.runs import run_rows
from relay.web.ui import state_labels, times

REQUEST = {
    "method": "POST",
    "url": "https://example.com/a?token=••••••",
    "headers": {"X-It's": "1"},
    "body": '{"text": "it\'s"}',
}


@pytest.fixture
def run(flow: Flow) -> Run:
    return sample_events.send_sample(flow).runs.get()


def settled(run: Run, state: str, **values: Any) -> Run:
    Run.objects.filter(pk=run.pk).update(state=state, due_at=None, finished_at=times.now(), **values)
    run.refresh_from_db()
    return run


def attempt(run: Run, number: int, **values: Any) -> Attempt:
    values = {"state": "succeeded", "request": REQUEST, "started_at": times.now(), "duration_us": 1_500, **values}
    return Attempt.objects.create(run=run, step="tell", number=number, **values)


def test_runs_are_narrowed_by_state_and_flow(alice: Client, flow: Flow, run: Run) -> None:
    settled(run, "failed", title="Order #1")

    for query, there in [("state=failed", True), ("state=failed&state=held", True), ("state=held", False), ("", True)]:
        for address in ("/runs/", f"/flows/{flow.pk}/runs/"):
            assert ("Order #1" in alice.get(f"{address}?{query}").content.decode()) is there
    assert "Order #1" in alice.get("/runs/", {"flow": flow.pk, "state": "failed"}).content.decode()


@pytest.mark.parametrize(
    "query", ["state=what", "flow=x", "flow=²", "flow=" + "9" * 40, "before=x", "before=zzzzzzzzzzzzz", "state=%00"]
)
def test_invalid_filters_are_ignored(alice: Client, run: Run, query: str) -> None:
    assert alice.get(f"/runs/?{query}").status_code == 200
    assert alice.get(f"/runs/newer/?{query}&after=%00").status_code == 200


def test_each_page_starts_where_the_last_one_ended(alice: Client, flow: Flow, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_rows, "PAGE", 2)
    for number in range(5):
        settled(sample_events.send_sample(flow).runs.get(), "succeeded", title=f"Order #{number}")

    first = alice.get("/runs/?state=succeeded").content.decode()
    address = first.split('href="?state=succeeded&amp;before=')[1].split('"')[0]
    second = alice.get(f"/runs/?state=succeeded&before={address}").content.decode()

    assert "Order #4" in first
    assert "Order #2" not in first
    assert "Order #2" in second
    assert "Order #3" not in second
    assert "Newest" in second


def test_newer_runs_are_counted(alice: Client, flow: Flow, run: Run) -> None:
    for _ in range(3):
        sample_events.send_sample(flow)

    page = alice.get("/runs/newer/", {"after": run.ref}).content.decode()

    assert "3 new" in page
    assert alice.get("/runs/newer/", {"after": run.ref, "state": "failed"}).content.decode().strip() == ""


def test_the_list_of_runs_has_a_query_budget(alice: Client, flow: Flow, django_assert_max_num_queries: Any) -> None:
    for _ in range(20):
        attempt(sample_events.send_sample(flow).runs.get(), 1)

    with django_assert_max_num_queries(9):
        alice.get("/runs/")


def test_a_step_is_a_dot(alice: Client, run: Run) -> None:
    settled(run, "filtered", trail=[{"id": "big", "kind": "filter", "state": "filtered"}])

    page = alice.get("/runs/").content.decode()

    assert "Filter: filtered" in page
    assert "Built-in inbox: Post a message: not reached" in page


def test_every_state_of_a_step_has_its_dot() -> None:
    without = {"skipped", "cancelled"}  # a call that was not needed; a step that was not finished

    assert {*run_rows._DOTS} == {*state_labels.STEPS} - without


def test_a_step_whose_inner_step_failed_has_a_failed_dot(run: Run) -> None:
    inner = [{"id": "tell", "kind": "set", "values": {}}, {"id": "ask", "kind": "set", "values": {}}]
    loop = {"id": "each", "kind": "loop", "over": [1, 2], "steps": inner}
    walked = {"each": "looped", "tell[0]": "set", "tell[1]": "failed"}

    assert [(dot.name, dot.tone) for dot in run_rows.dots(run, {"steps": [loop]}, walked)] == [("Loop", "bad")]
    walked["tell[1]"] = "set"
    assert [dot.tone for dot in run_rows.dots(run, {"steps": [loop]}, walked)] == ["good"]


def test_the_page_shows_everything_that_happened(alice: Client, run: Run) -> None:
    trail = [
        {"id": "big", "kind": "filter", "state": "passed"},
        {"id": "tell", "kind": "action", "state": "succeeded"},
    ]
    settled(run, "succeeded", title="Order #1", trail=trail)
    attempt(
        run, 1, state="retry", error="It is <busy>", answer={"status": 503, "headers": {}, "body": "no"}, status=503
    )
    attempt(
        run, 2, answer={"status": 200, "headers": {"x-id": "7"}, "body": '{"ok":true}', "truncated": True}, status=200
    )

    page = alice.get(f"/runs/{run.ref}/").content.decode()

    assert "Everything was delivered" in page
    assert "with 2 tries" in page
    assert "It is &lt;busy&gt;" in page
    assert "&quot;ok&quot;: true" in page
    assert "The rest was not kept" in page
    assert "curl -X POST &#x27;https://example.com/a?token=••••••&#x27;" in page
    assert "first_name" in page


@pytest.mark.parametrize(
    ("state", "message"),
    [
        ("queued", "Waiting for a worker."),
        ("running", "A worker is running it"),
        ("waiting", "Delivery failed: because. Relay will retry."),
        ("held", "because. Release it, or resume the flow."),
        ("filtered", "because. The flow sends nothing more"),
        ("failed", "“Built-in inbox: Post a message” failed: because."),
        ("partly_failed", "not everything was delivered: “Built-in inbox: Post a message” failed"),
        ("cancelled", "Cancelled by a person."),
    ],
)
def test_what_happened_is_one_sentence(alice: Client, run: Run, state: str, message: str) -> None:
    trail = [{"id": "tell", "kind": "action", "state": "failed", "error": "because"}]
    settled(run, state, reason="because", trail=trail)

    assert message in alice.get(f"/runs/{run.ref}/").content.decode()


def test_the_page_of_a_final_run_does_not_poll(alice: Client, run: Run) -> None:
    assert "every 1500ms" in alice.get(f"/runs/{run.ref}/").content.decode()
    settled(run, "succeeded")
    assert "every 1500ms" not in alice.get(f"/runs/{run.ref}/").content.decode()


def test_the_page_is_sent_only_if_the_run_changed(alice: Client, run: Run) -> None:
    headers = {"HX-Request": "true"}
    mark = f"queued-{run.fence}-0"

    assert alice.get(f"/runs/{run.ref}/", {"seen": mark}, headers=headers).status_code == 204
    settled(run, "succeeded")
    assert alice.get(f"/runs/{run.ref}/", {"seen": mark}, headers=headers).status_code == 200


def test_a_replay_is_a_new_run(alice: Client, run: Run) -> None:
    settled(run, "failed")

    confirmation = alice.post(f"/runs/{run.ref}/act/", {"do": "as_it_was"}).content.decode()
    assert "Replay this run from the start?" in confirmation
    assert not Run.objects.filter(replay_of=run).exists()
    answer = alice.post(f"/runs/{run.ref}/act/", {"do": "as_it_was", "sure": "1"}, follow=True)

    copy = Run.objects.get(replay_of=run)
    assert answer.redirect_chain == [(f"/runs/{copy.ref}/", 302)]
    assert run.ref in answer.content.decode()
    assert copy.ref in alice.get(f"/runs/{run.ref}/").content.decode()


@pytest.mark.parametrize(
    ("state", "do", "then", "message"),
    [
        ("waiting", "try-now", "queued", "being tried now"),
        ("waiting", "cancel", "cancelled", "The run is cancelled"),
        ("held", "release", "queued", "The run is released"),
        ("waiting", "give-up", "failed", "The run is marked as failed"),
        ("held", "give-up", "failed", "The run is marked as failed"),
        ("queued", "give-up", "queued", "Only a run that waits"),
        ("queued", "from_start", "queued", "has not ended yet"),
        ("succeeded", "failed_steps", "succeeded", "Nothing failed"),
        ("succeeded", "cancel", "succeeded", "ended already"),
        ("succeeded", "try-now", "succeeded", "Only a waiting run"),
        ("succeeded", "what", "succeeded", "Choose what to do"),
    ],
)
def test_what_a_person_does_to_a_run(alice: Client, run: Run, state: str, do: str, then: str, message: str) -> None:
    Run.objects.filter(pk=run.pk).update(state=state)

    answer = alice.post(f"/runs/{run.ref}/act/", {"do": do}, follow=True)

    run.refresh_from_db()
    assert run.state == then
    assert message in answer.content.decode()


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", "application/json"),
        (b"{not json", "application/json"),
        (b"\xff\xfe\x00", "application/octet-stream"),
        (b"[" * 5_000, "application/json"),
        (b'{"a": [' + b"1," * 3_000 + b"1]}", "application/json"),
        (b"a=1&a=2", "application/x-www-form-urlencoded"),
        (b"<a><b>1</b></a>", "text/xml"),
        (b'{"<script>": "</script><img src=x onerror=alert(1)>"}', "application/json"),
    ],
)
def test_any_body_can_be_shown(alice: Client, flow: Flow, run: Run, body: bytes, kind: str) -> None:
    run.event.__class__.objects.filter(pk=run.event_id).update(body=body, content_type=kind, query="a=%00&a=b&c")

    for address in (f"/runs/{run.ref}/", f"/flows/{flow.pk}/?step=tell"):
        page = alice.get(address)

        assert page.status_code == 200
        assert "<img" not in page.content.decode()


def test_the_page_of_a_run_has_a_query_budget(alice: Client, run: Run, django_assert_max_num_queries: Any) -> None:
    for number in range(10):
        attempt(run, number)

    with django_assert_max_num_queries(9):
        alice.get(f"/runs/{run.ref}/")


def test_a_retried_step_is_shown_as_waiting(run: Run) -> None:
    settled(run, "waiting", trail=[{"id": "big", "kind": "filter", "state": "passed"}])

    dots = run_rows.dots(run, run.version.document, {"big": "passed"})

    assert [(dot.state, dot.tone) for dot in dots] == [("passed", "good"), ("waiting", "warn")]


def test_rows_of_runs_that_have_changed_are_rendered_again(alice: Client, flow: Flow, bob: Client) -> None:
    waiting, ended = (sample_events.send_sample(flow).runs.get() for _ in range(2))
    page = alice.get("/runs/").content.decode()
    address = re.search(r'hx-get="(/runs/rows/[^"]+)"', page)
    assert address is not None
    polled = address[1].replace("&amp;", "&")
    assert alice.get(polled).status_code == 204

    settled(ended, "succeeded", title="Order #9")
    changed = alice.get(polled).content.decode()

    assert f'id="run-{ended.ref}" hx-swap-oob="true"' in changed
    assert "Order #9" in changed
    assert f'id="run-{waiting.ref}"' not in changed
    again = re.search(r'hx-get="(/runs/rows/[^"]+)"', changed)
    assert again is not None
    assert waiting.ref in again[1]
    assert ended.ref not in again[1]
    assert bob.get(polled).status_code == 204


@pytest.mark.parametrize("mark", ["", "x", "\0", "070y88e70z9a0", "0" * 13 + ".queued.0.0", "<script>"])
def test_rows_that_do_not_exist_are_not_rendered(alice: Client, mark: str) -> None:
    assert alice.get("/runs/rows/", {"run": [mark] * 300}).status_code == 204


def test_the_poll_of_rows_has_a_query_budget(alice: Client, flow: Flow, django_assert_max_num_queries: Any) -> None:
    marks = [f"{sample_events.send_sample(flow).runs.get().ref}.running.0.0" for _ in range(5)]

    with django_assert_max_num_queries(9):
        assert alice.get("/runs/rows/", {"run": marks}).status_code == 200
