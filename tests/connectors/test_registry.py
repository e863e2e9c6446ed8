"""Connectors and actions by their keys."""

from __future__ import annotations

import pytest

from relay.connectors import registry
from relay.errors import RelayError


def test_an_action_is_found_with_its_connector() -> None:
    connector, action = registry.find("slack.post_message")

    assert (connector.label, action.label) == ("Slack", "Post a message")


ACTIONS = [f"{one.key}.{action.key}" for one in registry.list_connectors() for action in one.actions]


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("slack.post_mesage", "There is no action “slack.post_mesage”; did you mean slack.post_message?"),
        ("", f"There is no action “”; there are {', '.join(sorted(ACTIONS))}"),
    ],
)
def test_an_action_that_is_not_there(key: str, message: str) -> None:
    with pytest.raises(RelayError) as refused:
        registry.find(key)

    assert str(refused.value) == message


def test_a_connector_that_is_not_there() -> None:
    with pytest.raises(RelayError, match="There is no connector “slak”; did you mean slack"):
        registry.connector("slak")
