"""`relay start`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from relay.errors import RelayError
from relay.models import Event, Run
from tests.commands.conftest import Shell

INPUTS = [
    {"name": "who", "required": True},
    {"name": "count", "kind": "number", "default": 1},
    {"name": "sure", "kind": "boolean"},
    {"name": "size", "kind": "choice", "options": ["S", "L"], "label": "Size of it"},
]


@pytest.fixture
def flow(make_flow: Callable[..., dict[str, Any]]) -> dict[str, Any]:
    return make_flow(trigger={"kind": "manual", "inputs": INPUTS})


def test_a_flow_is_started_with_its_form(shell: Shell, flow: dict[str, Any]) -> None:
    words = ("--input", "who=Ada=Grace", "--input", "count=3", "--input", "sure=true", "--input", "size=s")

    said = shell.json("start", str(flow["flow"]), *words, "--json")

    run = Run.objects.get()
    assert said == {"event": run.event.ref, "run": run.ref}
    assert bytes(run.event.body) == b'{"who":"Ada=Grace","count":3,"sure":true,"size":"S"}'
    assert run.event.method == "MANUAL"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "who: Who is needed"),
        (("--input", "who=x", "--input", "size=M"), "size: Size of it is one of S, L"),
        (("--input", "who=x", "--input", "count=many"), "count: Count must be a number"),
        (("--input", "who=x", "--input", "other=1"), "other: is not a field of this form"),
        (("--input", "who"), "who is not NAME=VALUE"),
    ],
)
def test_what_is_filled_in_wrongly_is_said(
    shell: Shell, flow: dict[str, Any], words: tuple[str, ...], said: str
) -> None:
    with pytest.raises(RelayError) as caught:
        shell("start", str(flow["flow"]), *words)

    assert said in str(caught.value)
    assert not Event.objects.exists()


def test_a_webhook_is_not_started_by_hand(shell: Shell, make_flow: Callable[..., dict[str, Any]]) -> None:
    with pytest.raises(RelayError, match="doesn't start by hand"):
        shell("start", str(make_flow()["flow"]))
