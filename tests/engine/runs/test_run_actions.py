"""Tests that pages, the API and commands offer exactly the actions of the one list."""

from __future__ import annotations

from pathlib import Path

import pytest

from relay import management
from relay.api.urls import api
from relay.engine.runs import bulk_actions
from relay.engine.runs.run_actions import BULK_ACTIONS, ROLE, RUN_ACTIONS, possible_actions
from relay.errors import RelayError
from relay.models import HeldBy, Run, RunState, Workspace
from relay.web.auth import permissions
from relay.web.runs import action_labels

COMMANDS = Path(management.__file__).parent / "commands"


def test_each_action_has_a_command_a_route_and_an_icon() -> None:
    paths = api.get_openapi_schema(path_prefix="/")["paths"]

    assert action_labels.ICONS.keys() == RUN_ACTIONS.keys()
    assert action_labels.BULK_BUTTONS.keys() == BULK_ACTIONS.keys()
    for key in RUN_ACTIONS:
        assert (COMMANDS / f"{key}.py").exists()
        assert any(path.endswith(f"/{{ref}}/{key}") for path in paths)
    assert permissions.REQUIRED["act-on-run"] == {"POST": ROLE}


@pytest.mark.parametrize(
    ("state", "held_by", "keys"),
    [
        (RunState.QUEUED, "", ["cancel"]),
        (RunState.RUNNING, "", ["cancel"]),
        (RunState.WAITING, "", ["try-now", "give-up", "cancel"]),
        (RunState.HELD, HeldBy.PAUSE, ["release", "give-up", "cancel"]),
        (RunState.HELD, HeldBy.UNKNOWN, ["it-was-done", "send-again", "give-up", "cancel"]),
        (RunState.SUCCEEDED, "", []),
        (RunState.FAILED, "", []),
    ],
)
def test_what_can_be_done_to_a_run(state: RunState, held_by: str, keys: list[str]) -> None:
    possible = possible_actions(Run(state=state, held_by=held_by))

    assert [action.key for action in possible] == keys


@pytest.mark.django_db
@pytest.mark.parametrize("key", ["send-again", "it-was-done", "", "delete"])
def test_unknown_outcomes_are_decided_one_by_one(workspace: Workspace, key: str) -> None:
    with pytest.raises(RelayError, match="Bulk actions are"):
        bulk_actions.apply(workspace, key, {})
