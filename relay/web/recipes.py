"""Recipes: ready flows by what they are for, each with its steps and what its samples come to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

import msgspec
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods

from relay.connectors import registry
from relay.engine import recipes
from relay.engine.recipes import Wanted
from relay.errors import RelayError
from relay.flows.listed import Placed, listed
from relay.recipes import shelf
from relay.recipes.shelf import Recipe, Sample
from relay.web import cards, posted
from relay.web.access import WorkspaceRequest, member


@dataclass(frozen=True, slots=True)
class Step:
    """A step in words. `depth`: how deep it stands in others; `arm`: in which arm of which branch."""

    number: str
    depth: int
    kind: str
    name: str
    summary: str
    arm: str


@dataclass(frozen=True, slots=True)
class Tried:
    """A sample, and what it comes to. `requests`: the name of each action, its service, and what it says by name."""

    name: str
    event: str
    state: str
    reason: str
    requests: list[tuple[str, str, list[tuple[str, str]]]]


@require_GET
@member
def listing(request: WorkspaceRequest) -> HttpResponse:
    found = shelf.all()
    jobs = [(label, [(one, _services(one)) for one in found if one.job == job]) for job, label in shelf.JOBS.items()]
    return render(request, "recipes/list.html", {"jobs": jobs, "count": len(found), "place": "flows"})


@require_http_methods(["GET", "POST"])
@member
def show(request: WorkspaceRequest, slug: str) -> HttpResponse:
    """One recipe; posted: a flow is made of it."""
    try:
        recipe = shelf.find(slug)
    except RelayError:
        raise Http404 from None
    if request.method == "GET":
        return _page(request, recipe, Wanted(takes_inbox=True), "")
    wanted = _wanted(request, recipe)
    try:
        flow = recipes.use(recipe, request.workspace, wanted, by=request.user)
    except RelayError as error:
        return _page(request, recipe, wanted, str(error))
    lacks = recipes.missing(recipe, flow)
    said = f"It still needs: {'; '.join(lacks)}." if lacks else "It has all it needs: publish it when you like it."
    messages.success(request, f"“{flow.name}” is a draft, with {len(recipe.samples)} samples. {said}")
    asks = any(not flow.draft.get("constants", {}).get(one.constant) for one in recipe.needs)
    return redirect(reverse("flow", args=(flow.pk,)) + ("?step=flow" if asks else ""))


def _wanted(request: WorkspaceRequest, recipe: Recipe) -> Wanted:
    given = {one.constant: posted.text(request.POST, f"c.{one.constant}").strip() for one in recipe.needs}
    names = [one.name for one in recipes.connected(recipe, request.workspace, {})]
    chosen = {name: posted.text(request.POST, f"n.{name}") for name in names}
    return Wanted(
        {name: value for name, value in given.items() if value},
        {name: value for name, value in chosen.items() if value},
        takes_inbox="inbox" in request.POST,
    )


def _page(request: WorkspaceRequest, recipe: Recipe, wanted: Wanted, error: str) -> HttpResponse:
    found = recipes.connected(recipe, request.workspace, {})
    context = {
        "recipe": recipe,
        "job": shelf.JOBS[recipe.job],
        "services": _services(recipe),
        "steps": [_step(one) for one in listed(recipe.document).values()],
        "tried": [_tried(recipe, sample) for sample in recipe.samples],
        "needs": [(one, wanted.constants.get(one.constant, "")) for one in recipe.needs],
        "connections": found,
        "lacks": [one for one in found if not one.choices],
        "inbox": wanted.takes_inbox,
        "error": error,
        "place": "flows",
    }
    return render(request, "recipes/show.html", context, status=422 if error else 200)


def _services(recipe: Recipe) -> list[str]:
    """Who sends, where that is known, and whom the steps call."""
    preset = recipe.document["trigger"].get("preset")
    sender = [registry.presets()[preset][0].label] if preset else ["Any sender"]
    called = [registry.find(one.action)[0].label for one in recipes.actions(recipe)]
    return list(dict.fromkeys([*sender, *called]))


def _step(one: Placed) -> Step:
    depth = min(one.number.count("."), 4)
    return Step(one.number, depth, one.own["kind"], one.name, _summary(one.own), one.arm_name)


def _summary(step: dict[str, Any]) -> str:
    if step["kind"] == "action":
        connector, action = registry.find(step["action"])
        return f"{connector.label}: {action.label}"
    # What a branch does stands below it.
    return "" if step["kind"] == "branch" else cards.SUMMARIES[step["kind"]](step)


def _tried(recipe: Recipe, sample: Sample) -> Tried:
    found = recipes.tried(recipe, sample)
    steps = listed(recipe.document)
    body = sample.event["body"]
    laid_out = body if isinstance(body, str) else msgspec.json.format(msgspec.json.encode(body), indent=2).decode()
    requests = [_request(steps[one["step"]], one["body"]) for one in found.get("requests", ())]
    return Tried(sample.name, laid_out, found["state"], found.get("reason", ""), requests)


def _request(step: Placed, body: Any) -> tuple[str, str, list[tuple[str, str]]]:
    told = parse_qsl(body) if isinstance(body, str) and body[:1] not in ("<", "") else list(_told(body, ""))
    return step.name, registry.find(step.own["action"])[0].label, told


def _told(value: Any, path: str) -> Iterator[tuple[str, str]]:
    """Every value of a tree with its path: `ticket.subject`."""
    if isinstance(value, dict | list):
        for key, one in value.items() if isinstance(value, dict) else enumerate(value, 1):
            yield from _told(one, f"{path}.{key}" if path else str(key))
    else:
        yield path or "body", value if isinstance(value, str) else msgspec.json.encode(value).decode()
