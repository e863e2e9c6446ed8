"""Tests of the page of a run with branches and loops."""

from __future__ import annotations

from typing import Any

from django.test import Client
from django.urls import reverse

from relay.engine.flow_control.limiter import Limiter
from relay.engine.settle.settle import settle
from relay.engine.walk.runner import walk
from relay.engine.worker import claim
from relay.models import Flow, Run
from relay.web.runs import narrative
from tests.support.walking import Recorder, answer

NOTE = {"id": "note", "kind": "set", "values": {"n": "{{ item }}", "list": [1]}}
TELL = {"id": "tell", "kind": "action", "action": "http.request", "inputs": {"url": "https://a.example/{{ item }}"}}
LOOP = {"id": "each", "kind": "loop", "over": [7, 8], "steps": [NOTE, TELL]}
STEPS = [
    {
        "id": "way",
        "kind": "branch",
        "branches": [{"name": "big", "when": {"left": 1, "op": "exists"}, "steps": [LOOP]}],
    },
    {"id": "after", "kind": "set", "values": {}},
]


def walked(flow: Flow, steps: list[dict[str, Any]], *answers: Any) -> Run:
    """A run of the flow with those steps, after its first walk."""
    version = flow.versions.create(number=9, document={**flow.draft, "steps": steps})
    event = flow.events.create(workspace=flow.workspace, state="accepted", received_at=1, method="POST", headers={})
    run = Run.objects.create(workspace=flow.workspace, flow=flow, version=version, event=event, due_at=1)
    settle([walk(work_item, Recorder(*answers), Limiter(threads=4)) for work_item in claim.claim()])
    run.refresh_from_db()
    return run


def test_steps_are_listed_in_the_order_walked(alice: Client, flow: Flow) -> None:
    run = walked(flow, STEPS, answer(200), answer(503))

    stops = narrative.step_lines(run, run.version.document, run.attempts.order_by("id"))
    page = alice.get(reverse("run", args=(run.pk,))).content.decode()

    assert [(stop.id, stop.depth, stop.state) for stop in stops] == [
        ("way", 0, "branched"),
        ("each", 1, "looped"),
        ("note[0]", 2, "set"),
        ("tell[0]", 2, "succeeded"),
        ("note[1]", 2, "set"),
        ("tell[1]", 2, "waiting"),
        ("after", 0, ""),
    ]
    assert stops[2].outputs == {"n": "7", "list": "[1]"}
    assert '<span class="quiet mono">[1]</span>' in page
    assert "https://a.example/8" in page


def test_a_long_loop_shows_its_start_and_what_failed(flow: Flow) -> None:
    number = {"id": "n", "kind": "set", "values": {"x": "{{ 1 // (item - 299) }}"}}
    loop = {"id": "each", "kind": "loop", "over": "{{ range(300) | list }}", "steps": [number], "on_error": "continue"}
    run = walked(flow, [loop])

    stops = narrative.step_lines(run, run.version.document, ())

    assert (len(stops), stops[0].left_out, stops[-1].id, stops[-1].state) == (202, 99, "n[299]", "failed")


def test_a_gathered_run_names_the_run_that_continues(alice: Client, flow: Flow) -> None:
    steps = [{"id": "all", "kind": "digest", "every": "1h"}]
    first = walked(flow, steps)
    event = flow.events.create(workspace=flow.workspace, state="accepted", received_at=1, method="POST", headers={})
    second = Run.objects.create(workspace=flow.workspace, flow=flow, version=first.version, event=event, due_at=1)
    settle([walk(work_item, Recorder(), Limiter(threads=4)) for work_item in claim.claim()])

    waits = alice.get(reverse("run", args=(first.pk,))).content.decode()
    joined = alice.get(reverse("run", args=(second.pk,))).content.decode()

    assert "Gathers at “all” until" in waits
    assert f"run {first.ref} continues with it" in joined


def test_a_branch_says_which_path_it_took(alice: Client, flow: Flow) -> None:
    set_step = {"kind": "set", "values": {"x": 1}}
    big = {"name": "Big", "when": {"left": 1, "op": "exists"}, "steps": [{"id": "a", **set_step}]}
    small = {"name": "Small", "when": {"left": 1, "op": "equals", "right": 2}, "steps": [{"id": "b", **set_step}]}
    other = {"id": "other", "kind": "branch", "branches": [small], "else": [{"id": "c", **set_step}]}
    run = walked(flow, [{"id": "way", "kind": "branch", "branches": [big]}, other])

    page = alice.get(reverse("run", args=(run.pk,))).content.decode()

    assert page.index("Path: <strong>Big</strong>") < page.index("Path: <strong>Otherwise</strong>")
    assert "<dt>arm" not in page


def test_a_step_that_was_not_sent_says_so_and_what_to_do(alice: Client, flow: Flow) -> None:
    run = walked(flow, [{**TELL, "inputs": {"url": "https://a.example/{{ event.body.nowhere }}"}}])

    page = alice.get(reverse("run", args=(run.pk,))).content.decode()

    assert run.state == "failed"
    assert "Nothing was sent." in page
    assert "Add a default with | default(" in page
    assert "No answer was received" not in page
