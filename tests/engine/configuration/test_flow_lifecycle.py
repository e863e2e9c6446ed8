"""Tests that versions are numbered and immutable, and that publishing reports what prevents it."""

from __future__ import annotations

import pytest

from relay.engine.configuration import flow_lifecycle
from relay.engine.people import accounts
from relay.engine.runs import run_actions
from relay.errors import DocumentFaults, RelayError
from relay.models import Flow, Run, RunState, User, Version, Workspace
from tests.engine.conftest import posting

pytestmark = pytest.mark.django_db(transaction=True)


def test_versions_are_numbered(live) -> None:
    flow = live(posting("https://example.com/1"))
    flow_lifecycle.save_draft(flow, posting("https://example.com/2"))

    second = flow_lifecycle.publish(flow)

    assert second.number == 2
    assert flow.live_version == second
    assert Version.objects.get(number=1).document["steps"][0]["inputs"]["url"] == "https://example.com/1"


def test_a_faulty_draft_is_kept_but_not_published(workspace: Workspace) -> None:
    document = posting("https://example.com/")
    document["steps"][0]["inputs"]["url"] = "{{ event.body. }}"
    flow = flow_lifecycle.create_flow(workspace, document)

    with pytest.raises(DocumentFaults, match=r"steps\[0\]\.inputs\.url"):
        flow_lifecycle.publish(flow)

    assert Flow.objects.get(pk=flow.pk).live_version_id is None


def test_a_missing_connection_keeps_it_a_draft(workspace: Workspace) -> None:
    document = {
        "relay": 1,
        "name": "Slack",
        "trigger": {"kind": "webhook"},
        "steps": [
            {
                "id": "tell",
                "kind": "action",
                "action": "slack.post_message",
                "connection": "Team",
                "inputs": {"text": "x"},
            }
        ],
    }

    with pytest.raises(DocumentFaults, match="Team"):
        flow_lifecycle.import_document(workspace, document, publish_it=True)

    assert Flow.objects.count() == 0


def test_removing_a_flow_removes_what_it_did(live, arrive) -> None:
    flow = live(posting("https://example.com/"))
    arrive(flow)

    flow_lifecycle.delete(flow)

    assert (Flow.objects.count(), Run.objects.count(), Version.objects.count()) == (0, 0, 0)


def test_a_run_is_cancelled_once(live, arrive) -> None:
    (run,) = arrive(live(posting("https://example.com/")))

    run_actions.cancel(run)

    assert (run.state, run.due_at, run.fence) == (RunState.CANCELLED, None, 1)
    with pytest.raises(RelayError, match="cancelled"):
        run_actions.cancel(run)


def test_the_first_account_owns_a_workspace_with_a_demo(db: None) -> None:
    user = accounts.create_first_account("Ann@Example.com", "correct horse battery")

    workspace = user.workspaces.get()
    assert user.email == "ann@example.com"
    assert workspace.flows.get().state == "live"
    with pytest.raises(RelayError, match="exists already"):
        accounts.create_first_account("bob@example.com", "correct horse battery")
    assert User.objects.count() == 1


@pytest.mark.parametrize("password", ["", "short", "password123"])
def test_weak_passwords_are_refused(db: None, password: str) -> None:
    with pytest.raises(RelayError):
        accounts.add_user("ann@example.com", password)

    assert User.objects.count() == 0
