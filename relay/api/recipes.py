"""Recipes: list, get, and make a flow of one."""

from __future__ import annotations

from typing import Any

import msgspec
from django.http import Http404
from ninja import Router

from relay.api import flows, given
from relay.api.access import ApiRequest
from relay.api.errors import Refused
from relay.engine import publish, recipes
from relay.engine.recipes import Wanted
from relay.errors import DocumentFaults, RelayError
from relay.recipes import shelf
from relay.recipes.shelf import Recipe

router = Router(tags=["recipes"])


def _found(slug: str) -> Recipe:
    try:
        return shelf.find(slug)
    except RelayError:
        raise Http404 from None


@router.get("", url_name="recipes")
def listing(request: ApiRequest) -> dict[str, Any]:
    """All recipes, by job."""
    known = ("slug", "title", "job", "summary")
    return {"recipes": [{name: getattr(one, name) for name in known} for one in shelf.all()]}


@router.get("/{slug}", url_name="recipe")
def show(request: ApiRequest, slug: str) -> Any:
    """One recipe: its document, what it needs, and its samples with what they come to."""
    return msgspec.to_builtins(_found(slug))


@router.post("/{slug}/use", url_name="use-recipe")
def use(request: ApiRequest, slug: str, publish_it: bool = False) -> dict[str, Any]:
    """Make a flow of it: `{"constants": {...}, "connections": {...}, "inbox": true}`, all optional.

    `missing` names what it still needs; with `?publish_it=true` and nothing missing it goes live at once.
    """
    recipe, wanted = _found(slug), _wanted(given.options(request))
    try:
        flow = recipes.use(recipe, request.workspace, wanted)
    except DocumentFaults:
        raise
    except RelayError as error:
        raise Refused(422, str(error)) from None
    missing = recipes.missing(recipe, flow)
    if publish_it and not missing:
        publish.publish(flow)
    return {**flows.show(request, flow.pk), "missing": missing}


def _wanted(options: dict[str, Any]) -> Wanted:
    unknown = options.keys() - {"constants", "connections", "inbox"}
    constants, connections = options.get("constants", {}), options.get("connections", {})
    if unknown or not isinstance(constants, dict) or not isinstance(connections, dict):
        raise Refused(422, 'The body is {"constants": {...}, "connections": {...}, "inbox": true}')
    return Wanted(constants, connections, takes_inbox=options.get("inbox") is True)
