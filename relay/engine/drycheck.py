"""What a dry run comes to, in a row: how it ends, by which arms, where it stops and what stays empty."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from relay.flows import nesting

MOST_EMPTY = 20  # fields of a row
_ENDS = {"failed": "failed", "filtered": "filtered", "waiting": "waiting"}


def row(sample: str, result: dict[str, Any], document: dict[str, Any]) -> dict[str, Any]:
    """`{"sample", "state", "reason", "arms", "stopped_at", "empty", "errors"}` of what `dry_run` gave.

    `arms`: names by branch. `stopped_at`: a step, or `trigger` where none was walked; None where it went to the end.
    `empty`: fields that have a template, and nothing came of it, as `tell.text`.
    """
    steps = result["steps"]
    sources = {step["id"]: step for step, _ in nesting.every(document.get("steps"))}
    return {
        "sample": sample,
        "state": result["state"],
        "reason": result["reason"],
        "arms": {
            step["id"]: step["outputs"]["arms"] for step in steps if step["kind"] == "branch" and "outputs" in step
        },
        "stopped_at": _stopped_at(result),
        "empty": [path for step in steps for path in _empty(step, sources)][:MOST_EMPTY],
        "errors": [{"step": step["id"], "error": step["error"]} for step in steps if "error" in step],
    }


def broken(sample: str, error: str) -> dict[str, Any]:
    """The row of a sample whose dry run could not be made."""
    row: dict[str, Any] = {"sample": sample, "state": "failed", "reason": error, "arms": {}, "stopped_at": None}
    return {**row, "empty": [], "errors": [{"step": None, "error": error}]}


def _stopped_at(result: dict[str, Any]) -> str | None:
    if result["state"] == "succeeded":
        return None
    found = [step["id"] for step in result["steps"] if step["state"] == _ENDS.get(result["state"])]
    return str(found[-1]) if found else "trigger"


def _empty(step: dict[str, Any], sources: dict[str, Any]) -> Iterator[str]:
    source = sources.get(nesting.base(step["id"]), {})
    if step["kind"] == "action":
        yield from _blanks(source.get("inputs"), step.get("inputs"), step["id"])
    elif step["kind"] == "set":
        yield from _blanks(source.get("values"), step.get("outputs"), step["id"])


def _blanks(source: Any, value: Any, path: str) -> Iterator[str]:
    """The leaves of which nothing came, though something is written there."""
    if isinstance(source, dict) and isinstance(value, dict):
        for name in (name for name in source if name in value):
            yield from _blanks(source[name], value[name], f"{path}.{name}")
    elif isinstance(source, list) and isinstance(value, list):
        for place, (one, other) in enumerate(zip(source, value, strict=False)):
            yield from _blanks(one, other, f"{path}[{place}]")
    elif isinstance(source, str) and source.strip() and _is_blank(value):
        yield path


def _is_blank(value: Any) -> bool:
    return value is None or value in ({}, []) or (isinstance(value, str) and not value.strip())
