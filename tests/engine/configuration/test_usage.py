"""Tests that the use of connections and destinations is found in every step, before removals and bulk replays."""

from __future__ import annotations

from typing import Any

import pytest

from relay.engine.configuration import connections, flow_lifecycle, variables
from relay.engine.runs import bulk_replay
from relay.errors import RelayError
from relay.models import Connection, Flow, Run, Workspace
from tests.flows.test_nesting import WAYS

URL = "https://hooks.slack.com/services/T000/B000/verysecret"
TELL = {
    "id": "tell",
    "kind": "action",
    "action": "slack.post_message",
    "connection": "Team",
    "inputs": {"text": "{{ vars.shop }}"},
}


def flow_of(workspace: Workspace, step: dict[str, Any]) -> Flow:
    connections.set_connection(workspace, "Team", "slack", {"webhook_url": URL})
    variables.set_variable(workspace, "shop", "Acme")
    document = {"relay": 1, "name": "Orders", "trigger": {"kind": "webhook"}, "steps": [step]}
    return flow_lifecycle.import_document(workspace, document, publish_it=True)


@pytest.mark.django_db
@pytest.mark.parametrize("way", WAYS)
def test_what_a_nested_step_of_a_live_flow_uses_is_not_removed(workspace: Workspace, way: str) -> None:
    flow = flow_of(workspace, WAYS[way](TELL))
    connection, variable = Connection.objects.get(), workspace.variables.get()

    assert connections.used_by(connection) == variables.used_by(variable) == [flow]
    with pytest.raises(RelayError, match="“Team” is used by Orders"):
        connections.remove(connection)
    with pytest.raises(RelayError, match="shop is used by Orders"):
        variables.remove(variable)


@pytest.mark.django_db
@pytest.mark.parametrize("way", WAYS)
def test_a_replay_of_many_says_where_nested_steps_send(workspace: Workspace, way: str) -> None:
    flow = flow_of(workspace, WAYS[way](TELL))

    assert "Slack" in bulk_replay._destinations(flow)
    assert bulk_replay.summarize_runs(Run.objects.filter(flow=flow)).total == 0
