"""The shelf: recipes as they stand in this folder, read anew each time: no process keeps what it does not show."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Any, Literal

import msgspec

from relay.errors import RelayError

Job = Literal["orders", "leads", "payments", "home", "development", "support", "forms"]
JOBS: dict[Job, str] = {
    "orders": "Orders",
    "payments": "Payments",
    "leads": "Leads",
    "forms": "Forms",
    "support": "Support",
    "home": "Home and sensors",
    "development": "Development",
}
_FOLDER = Path(__file__).parent


class _Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    pass


class Need(_Part, frozen=True, kw_only=True):
    """A constant that a recipe leaves empty and asks for. `example` is taken wherever a sample is tried."""

    constant: str
    label: str
    example: str
    help: str = ""


class Expected(_Part, frozen=True, kw_only=True):
    """What a sample comes to: how the run ends, the arm of each branch, each request, what the caller is answered."""

    state: str
    reason: str = ""
    arms: dict[str, str | None] = {}
    requests: list[dict[str, Any]] = []
    response: dict[str, Any] | None = None


class Sample(_Part, frozen=True, kw_only=True):
    """An event as `relay dry-run` takes it. `answers`: what services answer, by step: {"status", "body"}."""

    name: str
    event: dict[str, Any]
    answers: dict[str, dict[str, Any]] = {}
    expect: Expected


class Recipe(_Part, frozen=True, kw_only=True):
    """A ready flow. `setup`: what to do where its events come from."""

    slug: str
    title: str
    job: Job
    summary: str
    setup: str
    needs: list[Need]
    document: dict[str, Any]
    samples: list[Sample]


def all() -> list[Recipe]:  # noqa: A001 - shelf.all() reads as it should
    """All, by job and title."""
    order = list(JOBS)
    found = [read(path.read_bytes()) for path in _FOLDER.glob("*.json")]
    return sorted(found, key=lambda one: (order.index(one.job), one.title))


def find(slug: str) -> Recipe:
    """One by its slug; RelayError when there is none."""
    slugs = sorted(path.stem for path in _FOLDER.glob("*.json"))
    if slug in slugs:
        return read((_FOLDER / f"{slug}.json").read_bytes())
    close = difflib.get_close_matches(slug, slugs, n=1)
    raise RelayError(f"There is no recipe “{slug}”" + (f"; did you mean {close[0]}?" if close else ""))


def read(data: bytes | str) -> Recipe:
    """A recipe from the text of its file."""
    return msgspec.json.decode(data, type=Recipe)
