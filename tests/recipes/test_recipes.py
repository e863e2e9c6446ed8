"""Tests every recipe: its samples give the expected results, dry and run, and no event breaks it."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

import msgspec
import pytest

from relay import recipes as folder
from relay.engine.configuration import recipes
from relay.flows import nesting, step_types
from relay.flows.checks.validation import parse_document
from relay.models import Flow, Run
from relay.recipes import loader
from relay.recipes.loader import Expected, Recipe, RecipeSample
from tests.support.recipe_services import CONNECTIONS, HOSTILE, Services, fault

RECIPES = loader.list_recipes()
SAMPLES = [pytest.param(one, sample, id=f"{one.slug}: {sample.name}") for one in RECIPES for sample in one.samples]
EACH = pytest.mark.parametrize("recipe", RECIPES, ids=lambda one: one.slug)

Using = Callable[[Recipe], Flow]
Runs = Callable[[Flow, dict[str, Any]], Run]


def actions(recipe: Recipe) -> dict[str, str]:
    """The action of each step that is one."""
    steps = step_types.every(parse_document(recipe.document).steps)
    return {step.id: step.action for step in steps if isinstance(step, step_types.Action)}


def carries_out(recipe: Recipe, entry: str) -> str:
    """The action of an entry of a trail; for a call of it, `slack_bot.direct_message.person`."""
    key = nesting.call_key(entry)
    return actions(recipe)[nesting.base(entry)] + (f".{key}" if key else "")


# Their form


def test_each_is_a_file() -> None:
    files = {path.stem for path in Path(folder.__path__[0]).glob("*.json")}

    assert {one.slug for one in RECIPES} == files
    assert {one.job for one in RECIPES} == set(loader.JOBS)


@EACH
def test_a_recipe_is_whole(recipe: Recipe) -> None:
    document = parse_document(recipe.document)

    assert 2 <= len(recipe.samples) <= 4
    assert len({sample.name for sample in recipe.samples}) == len(recipe.samples)
    assert any(sample.expect.state in ("succeeded", "waiting") for sample in recipe.samples)
    assert all((recipe.title, recipe.summary, recipe.setup, document.description, document.title))
    # What is asked for is empty until it is given, and all that is empty and used is asked for.
    assert all(document.constants[one.constant] == "" and one.example for one in recipe.needs)
    assert all(step.name for step in step_types.every(document.steps))
    assert {nesting.base(step) for one in recipe.samples for step in one.answers} <= actions(recipe).keys()


@EACH
def test_a_recipe_holds_no_secret_and_names_no_place_of_ours(recipe: Recipe) -> None:
    text = msgspec.json.encode(recipe).decode()

    assert not re.search(r"localhost|127\.0\.0|shpat_|xox[bp]-|sk_live|whsec_|pat-eu", text)


def test_senders_that_sign_are_verified() -> None:
    verified = {one.slug for one in RECIPES if {"preset", "verify"} & one.document["trigger"].keys()}

    # These take what any page or program posts.
    assert {one.slug for one in RECIPES} - verified == {
        "form-to-sheet",
        "form-to-slack-and-mail",
        "lead-by-size",
        "lead-to-crm",
        "lead-to-pipedrive",
        "relay-with-retries",
        "due-cards-to-slack",
    }


# What samples come to


@pytest.mark.parametrize(("recipe", "sample"), SAMPLES)
def test_a_sample_comes_to_what_it_says(recipe: Recipe, sample: RecipeSample) -> None:
    found = msgspec.convert(recipes.dry_run_sample(recipe, sample), Expected)

    assert found == sample.expect
    assert all(not fault(carries_out(recipe, one["step"]), one["body"]) for one in found.requests)


def filled(url: str) -> str:
    """Path and query of a request as a sample tells it, with the values of connections."""
    for _, values in CONNECTIONS.values():
        for name, value in values.items():
            blank = f"{{{{ connection.{name} }}}}"
            url = value if url == blank else url.replace(blank, quote(value, safe=":/"))
    parts = urlsplit(url)
    return unquote(parts.path) + (f"?{urlencode(parse_qsl(parts.query))}" if parts.query else "")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("recipe", "sample"), SAMPLES)
def test_a_sample_really_runs(
    recipe: Recipe, sample: RecipeSample, using: Using, run: Runs, services: Services
) -> None:
    services.answers = {carries_out(recipe, step): answer for step, answer in sample.answers.items()}
    flow = using(recipe)

    found = run(flow, sample.event)

    expected = sample.expect
    assert services.refused == []
    assert (found.state, found.reason if expected.reason else "") == (expected.state, expected.reason)
    assert services.heard == [(one["method"], filled(one["url"]), one["body"]) for one in expected.requests]
    attempts = found.attempts.order_by("id")
    assert [(one.step, one.state) for one in attempts] == [(one["step"], "succeeded") for one in expected.requests]
    arms = {one["id"]: one["outputs"]["arm"] for one in found.steps if one["kind"] == "branch"}
    assert arms == expected.arms


# What is hostile

ODD: dict[str, Any] = {
    "null": None,
    "empty": "",
    "a number": 12,
    "true": True,
    "a list": ["x", None, {"a": 1}],
    "an object": {"a": {"b": None}},
    "hostile": HOSTILE,
    "long": "w" * 50_000,
    "a negative text": "-0.001",
}


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of every value in a body, the inner ones too."""
    if path:
        yield path
    if isinstance(value, dict | list):
        for key, one in value.items() if isinstance(value, dict) else enumerate(value):
            yield from places(one, (*path, key))


def changed(body: Any, path: tuple[Any, ...], *change: Any) -> Any:
    """The body with another value at a path; without it where there is none given."""
    result = copy.deepcopy(body)
    inner = result
    for key in path[:-1]:
        inner = inner[key]
    if change:
        inner[path[-1]] = change[0]
    else:
        del inner[path[-1]]
    return result


def variants(recipe: Recipe) -> Iterator[tuple[str, RecipeSample]]:
    """Samples with one value missing or odd, each value in turn; and bodies that are no object at all."""
    for sample in recipe.samples[:2]:
        body = sample.event["body"]
        form = isinstance(body, str) and "=" in body and not body.startswith("<")
        tree = dict(parse_qsl(body)) if form else body
        for whole in (None, "", "{", [], [1], "text", 7):
            yield f"body {whole!r}", _with_body(sample, whole)
        for path in places(tree) if isinstance(tree, dict) else ():
            for name, odd in {"missing": (), **{name: (value,) for name, value in ODD.items()}}.items():
                new = changed(tree, path, *odd)
                yield f"{name} at {path}", _with_body(sample, urlencode(new) if form else new)


def _with_body(sample: RecipeSample, body: Any) -> RecipeSample:
    return msgspec.structs.replace(sample, event={**sample.event, "body": body})


@pytest.mark.exhaustive
@EACH
def test_what_is_odd_gives_a_sound_request_or_a_clear_error(recipe: Recipe) -> None:
    named = {"succeeded", "filtered", "waiting", "failed"}
    wrong = []

    for name, sample in variants(recipe):
        found = msgspec.convert(recipes.dry_run_sample(recipe, sample), Expected)
        faults = [fault(carries_out(recipe, one["step"]), one["body"]) for one in found.requests]
        text = msgspec.json.encode(found.requests).decode()
        clear = found.state != "failed" or (
            found.reason and not re.search("Traceback| object at |NoneType", found.reason)
        )
        if found.state not in named or any(faults) or "6049261729" in text or not clear:
            wrong.append((name, found.state, found.reason, [one for one in faults if one], text[:300]))

    assert wrong == []
