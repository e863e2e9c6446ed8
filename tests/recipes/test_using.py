"""Tests flows made from recipes: filled-in and missing values, and the built-in inbox without a connection."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from relay.engine.configuration import flow_lifecycle, recipes
from relay.engine.configuration.connections import set_connection
from relay.engine.configuration.recipes import RecipeAnswers
from relay.errors import RelayError
from relay.flows import nesting
from relay.models import Flow, InboxMessage, Run, Workspace
from relay.recipes import loader
from relay.recipes.loader import Recipe
from tests.support.recipe_services import CONNECTIONS, Services

pytestmark = pytest.mark.django_db(transaction=True)

Runs = Callable[[Flow, dict[str, Any]], Run]
# What they buy and file is asked for later in the flow, which a message can't answer.
NEED_THE_SERVICE = {
    "paid-order-to-label": "EasyPost",
    "order-to-stock-and-label": "Sendcloud",
    "lead-to-pipedrive": "Pipedrive",
    "mail-to-ticket": "Zendesk",
    "due-cards-to-slack": "Trello",
}


@pytest.mark.parametrize("recipe", loader.list_recipes(), ids=lambda one: one.slug)
def test_without_any_account_a_recipe_posts_to_the_inbox(
    recipe: Recipe, workspace: Workspace, run: Runs, services: Services
) -> None:
    needs = {one.constant: one.example for one in recipe.needs}

    flow = recipes.create_flow(recipe, workspace, RecipeAnswers(needs, takes_inbox=True))

    missing = recipes.find_missing(recipe, flow)
    if service := NEED_THE_SERVICE.get(recipe.slug):
        assert all(f"the connection “{service}” does not exist" in one for one in missing)
        return
    assert missing == []
    flow_lifecycle.publish(flow)
    found = run(flow, recipe.samples[0].event)
    wanted = recipe.samples[0].expect
    assert found.state == wanted.state
    # A message takes the place of an action with all its calls.
    assert InboxMessage.objects.count() + len(services.heard) == len(
        {nesting.base(one["step"]) for one in wanted.requests}
    )


def test_what_is_missing_is_named(workspace: Workspace) -> None:
    recipe = loader.find("lead-by-size")

    flow = recipes.create_flow(recipe, workspace, RecipeAnswers({"booking": "https://cal.example/x", "large": "500"}))

    assert flow.draft["constants"]["large"] == 500
    missing = recipes.find_missing(recipe, flow)
    assert missing[:2] == ["Sender of mails (the constant mail_from)", "Where the guide is (the constant guide)"]
    assert any("the connection “HubSpot” does not exist" in one for one in missing)


def test_connections_are_taken_by_name_or_where_there_is_one(workspace: Workspace) -> None:
    for name in ("Slack", "Sales Slack"):
        set_connection(workspace, name, *CONNECTIONS["Slack"])
    set_connection(workspace, "Our CRM", *CONNECTIONS["HubSpot"])
    recipe = loader.find("lead-to-crm")

    usual, chosen = (
        recipes.create_flow(recipe, workspace, RecipeAnswers(connections=given))
        for given in ({}, {"Slack": "Sales Slack"})
    )

    named = [[step.get("connection") for step in flow.draft["steps"]][3:] for flow in (usual, chosen)]
    assert named == [["Our CRM", "Slack", "Postmark"], ["Our CRM", "Sales Slack", "Postmark"]]
    assert len(flow_lifecycle.check(usual)) == 1


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"constants": {"colour": "red"}}, "The recipe has no constant “colour”; there are list, minimum"),
        ({"constants": {"minimum": "many"}}, "The constant minimum is a number"),
        ({"connections": {"Slack": "x"}}, "The recipe has no connection “Slack”; there are Trello"),
        ({"connections": {"Trello": "x"}}, "There is no connection “x” for the one that the recipe calls Trello"),
    ],
)
def test_what_a_recipe_does_not_know_is_refused(given: dict[str, Any], message: str, workspace: Workspace) -> None:
    with pytest.raises(RelayError) as refused:
        recipes.create_flow(loader.find("big-order-to-trello"), workspace, RecipeAnswers(**given))

    assert str(refused.value) == message
    assert not workspace.flows.exists()


def test_a_recipe_that_is_not_there() -> None:
    with pytest.raises(RelayError, match="“order-to-slak”; did you mean order-to-slack"):
        loader.find("order-to-slak")
    with pytest.raises(RelayError, match="There is no recipe"):
        loader.find("../recipes/order-to-slack")
