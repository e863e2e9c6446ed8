"""Tests of the page of held runs."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client

from relay.engine.intake import sample_events
from relay.models import Flow, HeldBy, Membership, Role, Run


def hold(flow: Flow, held_by: HeldBy = HeldBy.PAUSE) -> Run:
    run = sample_events.send_sample(flow).runs.get()
    Run.objects.filter(pk=run.pk).update(state="held", held_by=held_by, due_at=None)
    return run


def buttons(page: str) -> list[str]:
    return re.findall(r'name="do" value="([^"]+)"', page)


@pytest.mark.parametrize(
    ("held_by", "offered"),
    [
        (HeldBy.PAUSE, ["release", "give-up", "cancel"]),
        (HeldBy.UNKNOWN, ["it-was-done", "send-again", "give-up", "cancel"]),
    ],
)
def test_a_held_run_has_the_buttons_that_its_own_page_has(
    alice: Client, flow: Flow, held_by: HeldBy, offered: list[str]
) -> None:
    run = hold(flow, held_by)

    page = alice.get("/inbox/held/").content.decode()

    assert buttons(page) == offered
    assert set(offered) < set(buttons(alice.get(f"/runs/{run.ref}/").content.decode()))


def test_a_viewer_has_no_buttons(alice: Client, flow: Flow) -> None:
    run = hold(flow)
    Membership.objects.update(role=Role.VIEWER)

    page = alice.get("/inbox/held/").content.decode()

    assert run.ref in page
    assert buttons(page) == []


def test_a_button_leads_back_to_the_list(alice: Client, flow: Flow) -> None:
    run = hold(flow)

    answer = alice.post(f"/runs/{run.ref}/act/", {"do": "release", "back": "held"})

    assert answer["Location"] == "/inbox/held/"
    assert Run.objects.get().state == "queued"


def test_many_runs_need_as_many_queries_as_one(alice: Client, flow: Flow, django_assert_max_num_queries: Any) -> None:
    for _ in range(20):
        hold(flow)

    with django_assert_max_num_queries(10):
        alice.get("/inbox/held/")
