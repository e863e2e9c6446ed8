"""Lists recipes by purpose, shows their steps and the results of their samples, and makes flows from them."""

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
from relay.engine.configuration import flow_lifecycle, recipes
from relay.engine.configuration.recipes import RecipeAnswers
from relay.errors import RelayError
from relay.flows import nesting
from relay.flows.flatten import NumberedStep, number_steps
from relay.recipes import loader
from relay.recipes.loader import Recipe, RecipeSample
from relay.web.auth.access import WorkspaceRequest, member
from relay.web.flows import step_summary
from relay.web.ui import form_data


@dataclass(frozen=True, slots=True)
class RecipeStep:
    """A step in words. `depth`: how deep it is nested. `path_name`: of the path of a branch that it is in."""

    number: str
    depth: int
    kind: str
    name: str
    summary: str
    path_name: str


@dataclass(frozen=True, slots=True)
class SampleResult:
    """A sample and its result. `requests`: the name of each action's step, its service, and the values by name."""

    name: str
    event: str
    state: str
    reason: str
    requests: list[tuple[str, str, list[tuple[str, str]]]]


@require_GET
@member
def listing(request: WorkspaceRequest) -> HttpResponse:
    all_recipes = loader.list_recipes()
    jobs = [
        (label, [(recipe, _services(recipe)) for recipe in all_recipes if recipe.job == job])
        for job, label in loader.JOBS.items()
    ]
    return render(request, "recipes/list.html", {"jobs": jobs, "count": len(all_recipes), "place": "flows"})


@require_http_methods(["GET", "POST"])
@member
def show(request: WorkspaceRequest, slug: str) -> HttpResponse:
    """Show a recipe, or make a flow from it."""
    try:
        recipe = loader.find(slug)
    except RelayError:
        raise Http404 from None
    if request.method == "GET":
        return _page(request, recipe, RecipeAnswers(takes_inbox=True), "")
    answers = _answers(request, recipe)
    try:
        flow = recipes.create_flow(recipe, request.workspace, answers, by=request.user)
    except RelayError as error:
        return _page(request, recipe, answers, str(error))
    empty = recipes.empty_needs(recipe, flow)
    faults = [str(fault) for fault in flow_lifecycle.check(flow)]
    parts = [f"Still empty: {' · '.join(need.label for need in empty)}."] if empty else []
    parts += [f"Correct this before you publish it: {'; '.join(faults)}."] if faults else []
    status = " ".join(parts) or "It is complete: you can publish it."
    messages.success(request, f"“{flow.name}” is a draft, with {len(recipe.samples)} samples. {status}")
    return redirect(reverse("flow", args=(flow.pk,)) + ("?step=flow" if empty else ""))


def _answers(request: WorkspaceRequest, recipe: Recipe) -> RecipeAnswers:
    constants = {need.constant: form_data.text(request.POST, f"c.{need.constant}").strip() for need in recipe.needs}
    names = [connection.name for connection in recipes.match_connections(recipe, request.workspace, {})]
    chosen = {name: form_data.text(request.POST, f"n.{name}") for name in names}
    return RecipeAnswers(
        {name: value for name, value in constants.items() if value},
        {name: value for name, value in chosen.items() if value},
        takes_inbox="inbox" in request.POST,
    )


def _page(request: WorkspaceRequest, recipe: Recipe, answers: RecipeAnswers, error: str) -> HttpResponse:
    connections = recipes.match_connections(recipe, request.workspace, {})
    context = {
        "recipe": recipe,
        "job": loader.JOBS[recipe.job],
        "services": _services(recipe),
        "steps": [_step(step) for step in number_steps(recipe.document).values()],
        "tried": [_sample_result(recipe, sample) for sample in recipe.samples],
        "needs": [(need, answers.constants.get(need.constant, "")) for need in recipe.needs],
        "connections": connections,
        "lacks": [connection for connection in connections if not connection.choices],
        "inbox": answers.takes_inbox,
        "error": error,
        "place": "flows",
    }
    return render(request, "recipes/show.html", context, status=422 if error else 200)


def _services(recipe: Recipe) -> list[str]:
    """Return what starts the flow, a sender or a schedule, and the services that the steps call."""
    trigger = recipe.document["trigger"]
    if preset := trigger.get("preset"):
        start = registry.presets()[preset][0].label
    else:
        start = {"schedule": "Schedule", "manual": "By hand"}.get(trigger["kind"], "Any sender")
    called = [registry.find(action.action)[0].label for action in recipes.actions(recipe)]
    return list(dict.fromkeys([start, *called]))


def _step(step: NumberedStep) -> RecipeStep:
    depth = min(step.number.count("."), 4)
    return RecipeStep(step.number, depth, step.own["kind"], step.name, _summary(step.own), step.arm_name)


def _summary(step: dict[str, Any]) -> str:
    if step["kind"] == "action":
        connector, action = registry.find(step["action"])
        return f"{connector.label}: {action.label}"
    # The steps of a branch are listed below it.
    return "" if step["kind"] == "branch" else step_summary.SUMMARIES[step["kind"]](step)


def _sample_result(recipe: Recipe, sample: RecipeSample) -> SampleResult:
    result = recipes.dry_run_sample(recipe, sample)
    steps = number_steps(recipe.document)
    body = sample.event["body"]
    laid_out = body if isinstance(body, str) else msgspec.json.format(msgspec.json.encode(body), indent=2).decode()
    requests = [_request(steps[nesting.base(one["step"])], one["body"]) for one in result.get("requests", ())]
    return SampleResult(sample.name, laid_out, result["state"], result.get("reason", ""), requests)


def _request(step: NumberedStep, body: Any) -> tuple[str, str, list[tuple[str, str]]]:
    is_form = isinstance(body, str) and body[:1] not in ("<", "")
    values = parse_qsl(body) if is_form else list(_leaves(body, "")) if body else []
    # The idempotency key, which differs in each run, says nothing to people.
    values = [(name, text) for name, text in values if text != recipes.KEY]
    return step.name, registry.find(step.own["action"])[0].label, values


def _leaves(value: Any, path: str) -> Iterator[tuple[str, str]]:
    """Yield every leaf of a tree with its path: `ticket.subject`."""
    if isinstance(value, dict | list):
        for key, child in value.items() if isinstance(value, dict) else enumerate(value, 1):
            yield from _leaves(child, f"{path}.{key}" if path else str(key))
    else:
        yield path or "body", value if isinstance(value, str) else msgspec.json.encode(value).decode()
