"""Endpoints for recipes: list, get, and create a flow from one."""

from __future__ import annotations

from typing import Any

import msgspec
from django.http import Http404
from ninja import Router

from relay.api import flows, request_body
from relay.api.access import ApiRequest
from relay.api.errors import ApiError
from relay.engine.configuration import flow_lifecycle, recipes
from relay.engine.configuration.recipes import RecipeAnswers
from relay.errors import Busy, DocumentFaults, RelayError
from relay.recipes import loader
from relay.recipes.loader import Recipe

router = Router(tags=["recipes"])


def _find(slug: str) -> Recipe:
    try:
        return loader.find(slug)
    except RelayError:
        raise Http404 from None


@router.get("", url_name="recipes")
def listing(request: ApiRequest) -> dict[str, Any]:
    """List recipes by job."""
    fields = ("slug", "title", "job", "summary")
    return {"recipes": [{name: getattr(recipe, name) for name in fields} for recipe in loader.list_recipes()]}


@router.get("/{slug}", url_name="recipe")
def show(request: ApiRequest, slug: str) -> Any:
    """Get one recipe: its document, what it needs, and its samples with their results."""
    return msgspec.to_builtins(_find(slug))


@router.post("/{slug}/use", url_name="use-recipe")
def use(request: ApiRequest, slug: str, publish_it: bool = False) -> dict[str, Any]:
    """Create a flow from a recipe: `{"constants": {...}, "connections": {...}, "inbox": true}`, all optional.

    `missing` lists what the flow still needs; `?publish_it=true` publishes it if nothing is missing.
    """
    recipe, answers = _find(slug), _answers(request_body.options(request))
    try:
        flow = recipes.create_flow(recipe, request.workspace, answers)
    except (DocumentFaults, Busy):
        raise
    except RelayError as error:
        raise ApiError(422, str(error)) from None
    missing = recipes.find_missing(recipe, flow)
    if publish_it and not missing:
        flow_lifecycle.publish(flow)
    return {**flows.show(request, flow.pk), "missing": missing}


def _answers(options: dict[str, Any]) -> RecipeAnswers:
    unknown = options.keys() - {"constants", "connections", "inbox"}
    constants, connections = options.get("constants", {}), options.get("connections", {})
    if unknown or not isinstance(constants, dict) or not isinstance(connections, dict):
        raise ApiError(422, 'The body is {"constants": {...}, "connections": {...}, "inbox": true}')
    return RecipeAnswers(constants, connections, takes_inbox=options.get("inbox") is True)
