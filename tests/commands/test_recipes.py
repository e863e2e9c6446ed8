"""`relay recipes`: list, show and use."""

from __future__ import annotations

import json

import pytest

from relay.engine.configuration.connections import set_connection
from relay.errors import RelayError
from relay.models import Flow, Workspace
from tests.commands.conftest import Shell
from tests.support.recipe_services import CONNECTIONS


def test_recipes_are_listed(shell: Shell) -> None:
    lines, found = shell("recipes").splitlines(), shell.json("recipes", "--json")

    assert lines[0].split() == ["RECIPE", "FOR", "DOES"]
    assert len(lines) == len(found) + 1
    assert "order-to-slack" in {one["recipe"] for one in found}


def test_a_recipe_is_shown_with_its_samples(shell: Shell) -> None:
    text = shell("recipes", "show", "payment-outcome")
    whole = shell.json("recipes", "show", "payment-outcome", "--json")

    assert "Tell the customer (action)" in text
    assert "Needs pay_page: Where customers pay." in text
    assert "Sample “Declined: not enough money”: succeeded." in text
    assert "Declined: *€49.90* for Order #1001; there is not enough money on the account." in text
    assert whole["samples"][0]["name"] == "Approved"


def test_a_flow_is_made_of_one_and_published(shell: Shell, workspace: Workspace) -> None:
    set_connection(workspace, "Our board", *CONNECTIONS["Trello"])

    given = ("--set", "list=5abbe4b7ddc1b351ef961414", "--set", "minimum=99.5")

    made = shell.json("recipes", "use", "big-order-to-trello", *given, "--publish")

    flow = Flow.objects.get(pk=made["flow"])
    assert (made["live"], made["missing"]) == (True, [])
    assert flow.live_version is not None
    document = flow.live_version.document
    assert document["constants"]["minimum"] == 99.5
    assert document["steps"][2]["connection"] == "Our board"
    assert list(flow.samples.values_list("name", flat=True)) == ["A desk", "Large in yen", "Too small"]


def test_missing_parts_are_printed_and_the_draft_stays(shell: Shell, workspace: Workspace) -> None:
    with pytest.raises(SystemExit):
        shell("recipes", "use", "big-order-to-trello", "--publish")

    assert "the flow is a draft: Trello list (the constant list)" in shell.complaints
    assert "the connection “Trello” does not exist" in shell.complaints
    assert workspace.flows.get().state == "draft"


def test_what_has_no_connection_goes_to_the_inbox(shell: Shell, workspace: Workspace) -> None:
    needs = ("--set", "mail_from=a@example.com", "--set", "pay_page=https://example.com/pay")

    made = shell.json("recipes", "use", "payment-outcome", *needs, "--inbox", "--publish")

    document = Flow.objects.get(pk=made["flow"]).draft
    text = json.dumps(document)
    assert made["live"] is True
    assert "connection" not in text.replace("connections", "")
    step = document["steps"][1]["branches"][1]["steps"][0]
    assert (step["action"], step["inputs"]["channel"]) == ("inbox.post", "Slack")
    assert step["inputs"]["text"].startswith("Declined: *{{ steps.payment.amount | slack }}*")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("show", "order-to-slak"), "There is no recipe “order-to-slak”; did you mean order-to-slack?"),
        (("use", "low-stock", "--set", "threshold"), "Write a name, = and a value, not threshold"),
        (
            ("use", "low-stock", "--set", "colour=red"),
            "The recipe has no constant “colour”; there are threshold, names",
        ),
        (
            ("use", "low-stock", "--connection", "Slack=x"),
            "There is no connection “x” for the one that the recipe calls Slack",
        ),
    ],
)
def test_what_makes_no_sense_is_said(words: tuple[str, ...], message: str, shell: Shell, workspace: Workspace) -> None:
    with pytest.raises(RelayError) as refused:
        shell("recipes", *words)

    assert str(refused.value) == message
