"""`relay dry-run`: what a flow would do with an event, step by step, sending nothing."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from dataclasses import replace
from pathlib import Path
from typing import Any

from relay import schema
from relay.engine import assumed, dryrun
from relay.engine.drywalk import check_all, dry_run
from relay.engine.eventshape import event_of
from relay.engine.ground import Ground
from relay.engine.starting import body_now
from relay.errors import RelayError
from relay.flows.document import Document, TriggerSettings
from relay.flows.validation import parse_document
from relay.management import finding
from relay.management.command import RelayCommand
from relay.models import Flow

_MOST = 100_000


class Command(RelayCommand):
    help = (
        "Walk a flow for an event without sending or storing anything, and print every step with its request. "
        "It is walked in the command itself, within the limits of deliveries; only with --samples, as pages and "
        "the API do, in a process that is stopped after a while."
    )
    needs_database = False

    def arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("flow", metavar="FLOW|FILE", help="a flow's id or name, or the file of a document")
        parser.add_argument(
            "--event", metavar="FILE", help='{"method", "headers", "query", "body"} (- : standard input)'
        )
        parser.add_argument("--number", type=int, metavar="N", help="version N of the flow (default: its draft)")
        parser.add_argument("--live", action="store_true", help="the version that is live")
        parser.add_argument(
            "--last", type=int, metavar="N", help="each of the last N events of the flow, in a JSON array"
        )
        parser.add_argument(
            "--answers", metavar="FILE", help='what actions are answered: {"STEP": {"status", "headers", "body"}}'
        )
        parser.add_argument("--samples", action="store_true", help="all samples of the flow, a row for each")
        parser.add_argument("--json", action="store_true", help="print JSON")

    def run(self, options: dict[str, Any]) -> None:
        word = options["flow"]
        if _is_file(word):
            _of_flows_only(options)
            document = parse_document(Path(word).read_bytes())
            self._walk(document, Ground(document.name, is_bare=True), options)
            return
        if options["last"] is not None and not 0 < options["last"] <= _MOST:
            raise RelayError(f"--last is a number from 1 to {_MOST}.")
        schema.require_current()
        flow = finding.flow(word)
        source = _document(flow, options)
        if options["samples"]:
            known = _assuming(dryrun.ground_of(flow), options)
            self._say_samples(dryrun.check_samples(source, flow.samples.kept(), known), options)
            return
        document = parse_document(source)
        if options["last"] is not None:
            newest = flow.events.order_by("-id")[: options["last"]]
            self.say_json(check_all(document, newest, _assuming(dryrun.ground_of(flow), options)))
            return
        self._walk(document, dryrun.ground_of(flow), options)

    def _walk(self, document: Document, ground: Ground, options: dict[str, Any]) -> None:
        event = _event(options, document.trigger)
        self._say(dry_run(document, event, _assuming(ground, options)), options)

    def _say_samples(self, rows: list[dict[str, Any]], options: dict[str, Any]) -> None:
        if options["json"]:
            self.say_json(rows)
            return
        self.say_table(("SAMPLE", "STATE", "ARMS", "STOPPED AT", "EMPTY", "WHY"), [_sample_row(row) for row in rows])

    def _say(self, result: dict[str, Any], options: dict[str, Any]) -> None:
        if options["json"]:
            self.say_json(result)
            return
        self.say_table(("STEP", "KIND", "STATE", "WHAT"), [_row(step) for step in result["steps"]])
        self.say(f"{result['state']}{': ' if result['reason'] else ''}{result['reason']}")


def _is_file(word: str) -> bool:
    try:
        return Path(word).is_file()
    except OSError:  # longer than a file's name may be
        return False


def _row(step: dict[str, Any]) -> tuple[str, str, str, str]:
    request = step.get("request")
    what = f"{request['method']} {request['url']}" if request else step.get("error", "")
    if not what and "outputs" in step:
        what = json.dumps(step["outputs"], ensure_ascii=False)[:120]
    return step["id"], step["kind"], step["state"], what


def _sample_row(row: dict[str, Any]) -> tuple[str, ...]:
    arms = [f"{branch}: {', '.join(names) or 'none'}" for branch, names in row["arms"].items()]
    why = row["reason"] or "; ".join(one["error"] for one in row["errors"])
    return row["sample"], row["state"], "; ".join(arms), row["stopped_at"] or "", ", ".join(row["empty"]), why


def _event(options: dict[str, Any], trigger: TriggerSettings) -> Any:
    """The event that is named; of a flow that starts by the clock one of now, where none is."""
    if options["event"] is None and trigger.kind == "schedule":
        return event_of({"method": "SCHEDULE", "body": body_now(trigger)})
    if options["event"] is None:
        raise RelayError("Name an event with --event FILE, or --event - for standard input.")
    return event_of(finding.event(options["event"]))


def _of_flows_only(options: dict[str, Any]) -> None:
    """A file has no versions, events and samples; RelayError for options that ask for them."""
    for name in ("number", "live", "last", "samples"):
        if options[name] not in (None, False):
            raise RelayError(f"--{name} is for flows, and this is a file: `relay import` makes a flow of it.")


def _assuming(ground: Ground, options: dict[str, Any]) -> Ground:
    if options["answers"] is None:
        return ground
    return replace(ground, assumed=assumed.check(finding.event(options["answers"])))


def _document(flow: Flow, options: dict[str, Any]) -> dict[str, Any]:
    which = "live" if options["live"] else "draft" if options["number"] is None else str(options["number"])
    return dryrun.document_of(flow, which)
