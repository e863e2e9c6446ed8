"""`relay dry-run` walks a flow for an event without sending anything."""

from __future__ import annotations

from argparse import ArgumentParser
from dataclasses import replace
from pathlib import Path
from typing import Any

from relay import schema
from relay.bodies import numerals
from relay.engine.dry_run import assumed_answers, dry_runs
from relay.engine.dry_run.dry_run_context import DryRunContext
from relay.engine.dry_run.dry_walk import dry_run, dry_run_events
from relay.engine.intake.event_data import EventData
from relay.engine.intake.internal_events import schedule_body_now
from relay.errors import RelayError
from relay.flows.checks.validation import parse_document
from relay.flows.document import Document, TriggerSettings
from relay.management import lookups
from relay.management.command import RelayCommand
from relay.models import Flow

_MAX_EVENTS = 100_000


class Command(RelayCommand):
    help = (
        "Walk a flow for an event without sending or storing anything, and print every step with its request. "
        "The command walks the flow in its own process, within the limits of deliveries; with --samples it uses "
        "a process that is stopped after a time limit, as pages and the API do."
    )
    needs_database = False

    def arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("flow", metavar="FLOW|FILE", help="a flow's id or name, or the file of a document")
        parser.add_argument(
            "--event", metavar="FILE", help='{"method", "headers", "query", "body"} (- : standard input)'
        )
        parser.add_argument("--number", type=int, metavar="N", help="version N of the flow (default: its draft)")
        parser.add_argument("--live", action="store_true", help="the live version")
        parser.add_argument(
            "--last", type=int, metavar="N", help="each of the last N events of the flow, in a JSON array"
        )
        parser.add_argument(
            "--answers", metavar="FILE", help='what services answer: {"STEP": {"status", "headers", "body"}}'
        )
        parser.add_argument("--samples", action="store_true", help="all samples of the flow, one row each")
        parser.add_argument("--json", action="store_true", help="print JSON")

    def run(self, options: dict[str, Any]) -> None:
        word = options["flow"]
        if _is_file(word):
            _check_options_of_file(options)
            document = parse_document(Path(word).read_bytes())
            self._walk(document, DryRunContext(document.name, is_bare=True), options)
            return
        if options["last"] is not None and not 0 < options["last"] <= _MAX_EVENTS:
            raise RelayError(f"--last is a number from 1 to {_MAX_EVENTS}.")
        schema.require_current()
        flow = lookups.flow(word)
        source = _document(flow, options)
        if options["samples"]:
            context = _with_answers(dry_runs.context_for(flow), options)
            self._say_samples(dry_runs.check_samples(source, flow, context), options)
            return
        document = parse_document(source)
        if options["last"] is not None:
            newest = flow.events.order_by("-id")[: options["last"]]
            self.say_json(dry_run_events(document, newest, _with_answers(dry_runs.context_for(flow), options)))
            return
        self._walk(document, dry_runs.context_for(flow), options)

    def _walk(self, document: Document, context: DryRunContext, options: dict[str, Any]) -> None:
        event = _event(options, document.trigger)
        self._say(dry_run(document, event, _with_answers(context, options)), options)

    def _say_samples(self, rows: list[dict[str, Any]], options: dict[str, Any]) -> None:
        if options["json"]:
            self.say_json(rows)
            return
        self.say_table(("SAMPLE", "STATE", "PATHS", "STOPPED AT", "EMPTY", "WHY"), [_sample_row(row) for row in rows])

    def _say(self, result: dict[str, Any], options: dict[str, Any]) -> None:
        if options["json"]:
            self.say_json(result)
            return
        self.say_table(("STEP", "KIND", "STATE", "WHAT"), [_row(step) for step in result["steps"]])
        self.say(f"{result['state']}{': ' if result['reason'] else ''}{result['reason']}")


def _is_file(word: str) -> bool:
    try:
        return Path(word).is_file()
    except OSError:  # too long for a file name
        return False


def _row(step: dict[str, Any]) -> tuple[str, str, str, str]:
    request = step.get("request")
    detail = f"{request['method']} {request['url']}" if request else step.get("error", "")
    if not detail and "outputs" in step:
        detail = numerals.dumps(step["outputs"], ensure_ascii=False)[:120]
    return step["id"], step["kind"], step["state"], detail


def _sample_row(row: dict[str, Any]) -> tuple[str, ...]:
    arms = [f"{branch}: {', '.join(names) or 'none'}" for branch, names in row["arms"].items()]
    why = row["reason"] or "; ".join(error["error"] for error in row["errors"])
    return row["sample"], row["state"], "; ".join(arms), row["stopped_at"] or "", ", ".join(row["empty"]), why


def _event(options: dict[str, Any], trigger: TriggerSettings) -> Any:
    """Return the event that the options name; for a scheduled flow, by default an event of now."""
    if options["event"] is None and trigger.kind == "schedule":
        return EventData.from_json({"method": "SCHEDULE", "body": schedule_body_now(trigger)})
    if options["event"] is None:
        raise RelayError("Name an event with --event FILE, or --event - for standard input.")
    return EventData.from_json(lookups.event(options["event"]))


def _check_options_of_file(options: dict[str, Any]) -> None:
    """Raise RelayError for options about versions, events or samples, which a file doesn't have."""
    for name in ("number", "live", "last", "samples"):
        if options[name] not in (None, False):
            raise RelayError(f"--{name} is for flows, and this is a file: `relay import` makes a flow of it.")


def _with_answers(context: DryRunContext, options: dict[str, Any]) -> DryRunContext:
    if options["answers"] is None:
        return context
    return replace(context, assumed=assumed_answers.check(lookups.event(options["answers"])))


def _document(flow: Flow, options: dict[str, Any]) -> dict[str, Any]:
    which = "live" if options["live"] else "draft" if options["number"] is None else str(options["number"])
    return dry_runs.document_of(flow, which)
