"""Tests that rows of other workspaces are not found, and that every page requires a sign-in."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse

from relay.engine.configuration import connections
from relay.engine.intake import sample_events
from relay.engine.runs.run_actions import RUN_ACTIONS
from relay.models import Flow, Run

Address = Callable[[Flow, Run, int], str]
OF_A_FLOW = (
    "flow",
    "edit-flow",
    "save-draft",
    "preview",
    "arrivals",
    "switch-flow",
    "delete-flow",
    "resume-flow",
)
PAGES = (
    "workspace",
    "flows",
    "new-flow",
    "runs",
    "newer-runs",
    "inbox",
    "held",
    "captured",
    "rejected",
    "connections",
    "new-connection",
)
ONLY_POST = {"edit-flow", "save-draft", "preview", "switch-flow", "delete-flow"}


@pytest.fixture
def run(flow: Flow) -> Run:
    return sample_events.send_sample(flow).runs.get()


@pytest.mark.parametrize("name", [*OF_A_FLOW, "flow-runs"])
def test_a_strangers_flow_is_not_there(bob: Client, flow: Flow, name: str) -> None:
    address = reverse(name, args=(flow.pk,))

    answer = bob.post(address) if name in ONLY_POST else bob.get(address)

    assert answer.status_code == 404
    assert flow.name not in answer.content.decode()
    assert Flow.objects.filter(pk=flow.pk).exists()


@pytest.mark.parametrize("do", ["from_start", "failed_steps", "as_it_was", *RUN_ACTIONS])
def test_nothing_is_done_to_a_strangers_run(bob: Client, run: Run, do: str) -> None:
    answer = bob.post(reverse("act-on-run", args=(run.pk,)), {"do": do})

    assert answer.status_code == 404
    assert Run.objects.count() == 1


def test_a_strangers_run_is_not_there(bob: Client, run: Run) -> None:
    assert bob.get(reverse("run", args=(run.pk,))).status_code == 404
    assert bob.get(reverse("runs"), {"flow": run.flow_id}).status_code == 404
    assert bob.get(reverse("held"), {"flow": run.flow_id}).status_code == 404


@pytest.mark.parametrize("name", ["connection", "remove-connection"])
def test_a_strangers_connection_is_not_there(bob: Client, flow: Flow, name: str) -> None:
    values = {"key": "0" * 32, "token": "ATTA" + "0" * 72}
    connection = connections.set_connection(flow.workspace, "Board", "trello", values)

    answer = bob.post(reverse(name, args=(connection.pk,)), {})

    assert answer.status_code == 404
    assert flow.workspace.connections.exists()


def test_lists_hold_only_what_is_ones_own(bob: Client, run: Run) -> None:
    for name in ("flows", "runs", "inbox", "held", "captured", "connections"):
        page = bob.get(reverse(name)).content.decode()

        assert "Orders" not in page
        assert run.ref not in page


@pytest.mark.parametrize("name", PAGES)
def test_a_signed_out_person_is_sent_to_sign_in(client: Client, flow: Flow, name: str) -> None:
    answer = client.get(reverse(name))

    assert answer.status_code == 302
    assert answer["Location"] == f"/sign-in/?next={reverse(name)}"


@pytest.mark.parametrize(
    ("referer", "place"),
    [
        ("http://testserver/runs/?state=failed", "/runs/%3Fstate%3Dfailed"),
        ("http://elsewhere.example/runs/", "/"),
        ("javascript:alert(1)", "/"),
        ("", "/"),
    ],
)
def test_a_form_leads_back_to_its_page(client: Client, run: Run, referer: str, place: str) -> None:
    answer = client.post(reverse("act-on-run", args=(run.pk,)), headers={"Referer": referer})

    assert answer["Location"] == f"/sign-in/?next={place}"


def test_a_fragment_sends_the_whole_page_to_sign_in(client: Client, flow: Flow) -> None:
    headers = {"HX-Request": "true", "HX-Current-URL": "http://testserver/inbox/"}

    answer = client.get(reverse("inbox"), headers=headers)

    assert answer["HX-Redirect"] == "/sign-in/?next=/inbox/"


@pytest.mark.parametrize("name", PAGES)
def test_pages_are_not_cached(alice: Client, name: str) -> None:
    answer = alice.get(reverse(name))

    assert answer.status_code == 200
    assert "no-store" in answer["Cache-Control"]


def test_an_account_without_a_workspace_gets_an_explanation(client: Client, owner: object) -> None:
    from relay.models import User

    client.force_login(User.objects.create_user("nobody@example.com", "correct horse battery"))

    answer = client.get(reverse("flows"))

    assert answer.status_code == 403
    assert "belongs to no workspace" in answer.content.decode()
