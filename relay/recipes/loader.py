"""Reads recipes from the files of this folder, each time they are shown, so that no process keeps them in memory."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Any, Literal

import msgspec

from relay.errors import RelayError

Job = Literal["orders", "leads", "payments", "home", "development", "tasks", "support", "forms"]
JOBS: dict[Job, str] = {
    "orders": "Orders",
    "payments": "Payments",
    "leads": "Leads",
    "forms": "Forms",
    "tasks": "Tasks",
    "support": "Support",
    "home": "Home and sensors",
    "development": "Development",
}
_FOLDER = Path(__file__).parent


class _Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    pass


class Need(_Part, frozen=True, kw_only=True):
    """A constant that people fill in when they use a recipe. Samples are tried with its `example`."""

    constant: str
    label: str
    example: str
    help: str = ""


class Expected(_Part, frozen=True, kw_only=True):
    """The expected result of a sample: final state, arm of each branch, requests, and answer to the caller."""

    state: str
    reason: str = ""
    arms: dict[str, str | None] = {}
    requests: list[dict[str, Any]] = []
    response: dict[str, Any] | None = None


class RecipeSample(_Part, frozen=True, kw_only=True):
    """An event in the form of `relay dry-run`. `answers`: the answers of services by step, {"status", "body"}."""

    name: str
    event: dict[str, Any]
    answers: dict[str, dict[str, Any]] = {}
    expect: Expected


class Recipe(_Part, frozen=True, kw_only=True):
    """A ready flow. `setup`: how to set up the sender of its events."""

    slug: str
    title: str
    job: Job
    summary: str
    setup: str
    needs: list[Need]
    document: dict[str, Any]
    samples: list[RecipeSample]


def list_recipes() -> list[Recipe]:
    """All recipes, by job and title."""
    order = list(JOBS)
    recipes = [read(path.read_bytes()) for path in _FOLDER.glob("*.json")]
    return sorted(recipes, key=lambda recipe: (order.index(recipe.job), recipe.title))


def find(slug: str) -> Recipe:
    """The recipe with a slug. Raises RelayError for an unknown one."""
    slugs = sorted(path.stem for path in _FOLDER.glob("*.json"))
    if slug in slugs:
        return read((_FOLDER / f"{slug}.json").read_bytes())
    close = difflib.get_close_matches(slug, slugs, n=1)
    raise RelayError(f"There is no recipe “{slug}”" + (f"; did you mean {close[0]}?" if close else ""))


def read(data: bytes | str) -> Recipe:
    """Parses the text of a recipe's file."""
    return msgspec.json.decode(data, type=Recipe)
