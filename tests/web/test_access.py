"""Who may see what: everything of another workspace is not there, and nothing is for those who didn't sign in."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse

from relay.engine import connections, sampling
from relay.models import Flow, Run

Address = Callable[[Flow, Run, int], str]
OF_A_FLOW = (
    "flow",
    "edit-flow",
    "save-draft",
    "preview",
    "arrivals",
    "switch-flow",
    "send-sample",
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
ONLY_POST = {"edit-flow", "save-draft", "preview", "switch-flow", "send-sample", "delete-flow"}


@pytest.fixture
def run(flow: Flow) -> Run:
    return sampling.send_sample(flow).runs.get()


@pytest.mark.parametrize("name", [*OF_A_FLOW, "flow-runs"])
def test_a_strangers_flow_is_not_there(bob: Client, flow: Flow, name: str) -> None:
    address = reverse(name, args=(flow.pk,))

    answer = bob.post(address) if name in ONLY_POST else bob.get(address)

    assert answer.status_code == 404
    assert flow.name not in answer.content.decode()
    assert Flow.objects.filter(pk=flow.pk).exists()


@pytest.mark.parametrize("do", ["from_start", "failed_steps", "as_it_was", "try", "cancel", "release", "give_up"])
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
def test_who_is_not_signed_in_is_sent_there(client: Client, flow: Flow, name: str) -> None:
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
def test_pages_are_kept_by_no_cache(alice: Client, name: str) -> None:
    answer = alice.get(reverse(name))

    assert answer.status_code == 200
    assert "no-store" in answer["Cache-Control"]


def test_an_account_without_a_workspace_is_told(client: Client, owner: object) -> None:
    from relay.models import User

    client.force_login(User.objects.create_user("nobody@example.com", "correct horse battery"))

    answer = client.get(reverse("flows"))

    assert answer.status_code == 403
    assert "belongs to no workspace" in answer.content.decode()
