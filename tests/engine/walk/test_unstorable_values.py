"""Rendered values that JSON can't hold end no worker: halves of surrogate pairs, values inside themselves."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from relay.engine.worker.thread_pool import WalkThreads
from relay.engine.worker.work_loop import work
from relay.models import Flow, InboxMessage, Run

pytestmark = pytest.mark.django_db(transaction=True)

PARSED = "{{ event.body.t | parse_json }}"  # what a sender can bring about
SENT = b'{"t": "\\"\\\\ud800\\""}'


@pytest.mark.parametrize(
    ("step", "outputs"),
    [
        ({"kind": "set", "values": {"x": [PARSED]}}, {"x": ["\ufffd"]}),
        ({"kind": "set", "values": {"x": "{{ {'\\ud800': 1} }}"}}, {"x": {"\ufffd": 1}}),
        (
            {"kind": "respond", "body": [PARSED]},
            {"status": 200, "headers": {"Content-Type": "application/json"}, "body": '["\ufffd"]'},
        ),
        ({"kind": "loop", "over": f"{{{{ [1, {PARSED[2:-2]}] }}}}", "steps": []}, {"count": 2, "left_out": 0}),
        ({"kind": "changed", "value": PARSED}, None),
    ],
)
def test_what_is_kept_has_a_mark_in_its_place(
    live: Callable[..., Flow],
    arrive: Callable[..., list[Run]],
    walkers: WalkThreads,
    step: dict[str, Any],
    outputs: dict[str, Any] | None,
) -> None:
    flow = {"relay": 1, "name": "F", "title": PARSED, "trigger": {"kind": "webhook"}, "steps": [{"id": "s", **step}]}
    (run,) = arrive(live(flow), SENT)

    work(walkers=walkers, linger=0)

    run.refresh_from_db()
    assert (run.state, run.title, run.trail[0].get("outputs")) == ("succeeded", "\ufffd", outputs)


def test_a_message_and_a_reason_have_it_too(
    live: Callable[..., Flow], arrive: Callable[..., list[Run]], walkers: WalkThreads
) -> None:
    post = {"id": "post", "kind": "action", "action": "inbox.post", "inputs": {"text": f"a {PARSED}"}}
    say = {"id": "say", "kind": "respond", "status": PARSED}
    (run,) = arrive(live({"relay": 1, "name": "F", "trigger": {"kind": "webhook"}, "steps": [post, say]}), SENT)

    work(walkers=walkers, linger=0)

    run.refresh_from_db()
    assert (run.state, run.reason[-5:]) == ("failed", "not \ufffd")
    assert InboxMessage.objects.get().text == "a \ufffd"


@pytest.mark.parametrize(
    ("steps", "place", "outputs"),
    [
        ([{"id": "s", "kind": "set", "values": {"x": "{{ steps }}"}}], 0, {"x": {}}),
        (
            [
                {
                    "id": "l",
                    "kind": "loop",
                    "over": [1],
                    "steps": [{"id": "s", "kind": "set", "values": {"x": "{{ steps.l.outputs }}"}}],
                }
            ],
            1,
            {"x": []},
        ),
    ],
)
def test_a_value_keeps_the_steps_as_they_were_and_never_itself(
    live: Callable[..., Flow],
    arrive: Callable[..., list[Run]],
    walkers: WalkThreads,
    steps: list[dict[str, Any]],
    place: int,
    outputs: dict[str, Any],
) -> None:
    (run,) = arrive(live({"relay": 1, "name": "F", "trigger": {"kind": "webhook"}, "steps": steps}), SENT)

    work(walkers=walkers, linger=0)

    run.refresh_from_db()
    assert (run.state, run.trail[place]["outputs"]) == ("succeeded", outputs)
