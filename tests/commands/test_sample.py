"""`relay sample`."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from relay.engine.intake import sample_events
from relay.errors import RelayError
from relay.models import Flow
from tests.commands.conftest import Shell

EVENT = {"method": "POST", "headers": {"x-kind": "new"}, "body": {"id": 7}}


@pytest.fixture(autouse=True)
def flow(make_flow: Callable[..., dict[str, Any]]) -> Flow:
    return Flow.objects.get(pk=make_flow()["flow"])


def test_a_sample_is_added_listed_shown_and_removed(shell: Shell) -> None:
    said = shell("sample", "add", "Orders", "Big order", "--event", "-", given=json.dumps(EVENT))
    listed = shell.json("sample", "list", "Orders", "--json")
    table = shell("sample", "list", "Orders")
    shown = shell.json("sample", "show", "Orders", "Big order")
    shell("sample", "remove", "Orders", "Big order")

    assert said == "“Big order” is a sample of Orders.\n"
    assert [(one["name"], one["bytes"]) for one in listed] == [("Big order", 8)]
    assert "Big order" in table
    assert shown == EVENT
    assert shell.json("sample", "list", "Orders", "--json") == []


def test_the_event_of_a_run_is_added(shell: Shell, flow: Flow) -> None:
    run = sample_events.send_sample(flow, b'{"id": 8}').runs.get()

    shell("sample", "add", "Orders", "Eight", "--run", run.ref)

    assert shell.json("sample", "show", "Orders", "Eight")["body"] == '{"id": 8}'


@pytest.mark.parametrize(
    ("words", "given", "said"),
    [
        (("add", "Orders", "x", "--event", "-"), "{", "- is not JSON"),
        (("add", "Orders", "x", "--event", "-"), "[]", "An event is"),
        (("show", "Orders", "x"), "", "has no sample called “x”"),
        (("remove", "Orders", "x"), "", "has no sample called “x”"),
        (("list", "Nothing"), "", "There is no flow"),
    ],
)
def test_what_goes_wrong_is_said(shell: Shell, words: tuple[str, ...], given: str, said: str) -> None:
    with pytest.raises(RelayError, match=said):
        shell("sample", *words, given=given)
