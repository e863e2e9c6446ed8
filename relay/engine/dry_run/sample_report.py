"""Summarizes the dry run of a sample in a row: its end, its arms, where it stopped, and fields that stay empty."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from relay.flows import nesting

MAX_EMPTY_FIELDS = 20  # in a row
_ENDS = {"failed": "failed", "filtered": "filtered", "waiting": "waiting"}


def row(sample: str, result: dict[str, Any], document: dict[str, Any]) -> dict[str, Any]:
    """Summarize a result of `dry_run`: `{"sample", "state", "reason", "arms", "stopped_at", "empty", "errors"}`.

    `state` becomes `unfinished` if the flow is (see `dry_runs.check_samples`). `arms`: names by branch.
    `stopped_at`: a step, or `trigger` if no step was walked; None if the run walked to the end.
    `empty`: fields whose template rendered to nothing, such as `tell.text`.
    """
    steps = result["steps"]
    sources = {step["id"]: step for step in nesting.all_steps(document)}
    return {
        "sample": sample,
        "state": result["state"],
        "reason": result["reason"],
        "arms": {
            step["id"]: step["outputs"]["arms"] for step in steps if step["kind"] == "branch" and "outputs" in step
        },
        "stopped_at": _stopped_at(result),
        "empty": [path for step in steps for path in _empty(step, sources)][:MAX_EMPTY_FIELDS],
        "errors": [{"step": step["id"], "error": step["error"]} for step in steps if "error" in step],
    }


def failed_row(sample: str, error: str) -> dict[str, Any]:
    """The row of a sample whose dry run failed."""
    row: dict[str, Any] = {"sample": sample, "state": "failed", "reason": error, "arms": {}, "stopped_at": None}
    return {**row, "empty": [], "errors": [{"step": None, "error": error}]}


def _stopped_at(result: dict[str, Any]) -> str | None:
    if result["state"] == "succeeded":
        return None
    steps = [step["id"] for step in result["steps"] if step["state"] == _ENDS.get(result["state"])]
    return str(steps[-1]) if steps else "trigger"


def _empty(step: dict[str, Any], sources: dict[str, Any]) -> Iterator[str]:
    source = sources.get(nesting.base(step["id"]), {})
    if step["kind"] == "action":
        yield from _blanks(source.get("inputs"), step.get("inputs"), step["id"])
    elif step["kind"] == "set":
        yield from _blanks(source.get("values"), step.get("outputs"), step["id"])


def _blanks(source: Any, value: Any, path: str) -> Iterator[str]:
    """The paths of fields that have a template but rendered to nothing."""
    if isinstance(source, dict) and isinstance(value, dict):
        for name in (name for name in source if name in value):
            yield from _blanks(source[name], value[name], f"{path}.{name}")
    elif isinstance(source, list) and isinstance(value, list):
        for index, (source_item, item) in enumerate(zip(source, value, strict=False)):
            yield from _blanks(source_item, item, f"{path}[{index}]")
    elif isinstance(source, str) and source.strip() and _is_blank(value):
        yield path


def _is_blank(value: Any) -> bool:
    return value is None or value in ({}, []) or (isinstance(value, str) and not value.strip())
