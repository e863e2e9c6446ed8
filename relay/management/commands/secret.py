"""`relay secret add`, `list`, `end` and `remove`: what a trigger verifies its sender with."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from datetime import UTC, date, datetime, time
from typing import Any

from relay.engine import secrets
from relay.errors import RelayError
from relay.flows.verification import label_of
from relay.management import finding
from relay.management.command import RelayCommand
from relay.models import Flow, TriggerSecret


class Command(RelayCommand):
    help = "The secrets by which a flow's trigger verifies its sender: sealed, several at once."

    def arguments(self, parser: ArgumentParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True, metavar="add|list|end|remove")
        adding = verbs.add_parser("add", help="seal one more, from standard input: its text, or a JSON object of parts")
        listing = verbs.add_parser("list", help="when each was added and when it ends, never what it is")
        ending = verbs.add_parser("end", help="let one count no longer")
        removing = verbs.add_parser("remove", help="forget one; with the last, a sender may bring one by a handshake")
        for verb in (adding, listing, ending, removing):
            verb.add_argument("flow", metavar="FLOW", help="id or exact name")
        for verb in (ending, removing):
            verb.add_argument("number", metavar="NUMBER", type=int, help="as `relay secret list` has it")
        for verb in (adding, ending):
            verb.add_argument("--until", metavar="DATE", help="the last day on which it counts, as 2026-01-31 (UTC)")
        listing.add_argument("--json", action="store_true", help="print JSON")

    def run(self, options: dict[str, Any]) -> None:
        flow = finding.flow(options["flow"])
        match options["verb"]:
            case "add":
                secret = secrets.add(flow, _given(flow), until=_end(options["until"]))
                self.say(f"Secret {secret.pk} of {flow.name} counts from now on.")
            case "list":
                self._list(flow, as_json=options["json"])
            case "end":
                secret = _secret(flow, options["number"])
                secrets.end(secret, _end(options["until"]))
                self.say(f"Secret {secret.pk} ends {_moment(secret.ends_at)}.")
            case "remove":
                secret = _secret(flow, options["number"])
                secrets.remove(secret)
                self.say(f"Secret {options['number']} is removed.")

    def _list(self, flow: Flow, *, as_json: bool) -> None:
        former = {one.pk for one in secrets.former(flow)}
        found = [
            {
                "number": one.pk,
                "added": _moment(one.created_at),
                "ends": _moment(one.ends_at),
                "counts": not one.is_over and one.pk not in former,
                "by_handshake": one.by_handshake,
                "for": label_of(one.sender),
                "former": one.pk in former,
            }
            for one in flow.trigger.secrets.all()
        ]
        if as_json:
            self.say_json(found)
            return
        rows = [
            (one["number"], one["for"], one["added"], one["ends"] or "", "yes" if one["counts"] else "no")
            for one in found
        ]
        self.say_table(("NUMBER", "FOR", "ADDED", "ENDS", "COUNTS"), rows)
        if former:
            self.say(f"Of a former sender: {len(former)}. `relay secret remove` forgets them.")


def _given(flow: Flow) -> dict[str, Any]:
    """What stands on standard input: a JSON object where the sender's secret has several parts, else one text."""
    names = [one.key for one in secrets.fields(flow)]
    text = sys.stdin.buffer.read(100_000).decode("utf-8", "replace").strip()
    if len(names) == 1 and not text.startswith("{"):
        return {names[0]: text}
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise RelayError(f"Standard input must hold a JSON object with {', '.join(names) or 'the secret'}.")
    return value


def _secret(flow: Flow, number: int) -> TriggerSecret:
    found = flow.trigger.secrets.filter(pk=number).first() if 0 < number < 1 << 63 else None
    if found is None:
        raise RelayError(f"{flow.name} has no secret {number}. `relay secret list` lists them.")
    return found


def _end(text: str | None) -> datetime | None:
    """The end of a day."""
    if text is None:
        return None
    try:
        return datetime.combine(date.fromisoformat(text), time.max, UTC)
    except ValueError:
        raise RelayError(f"{text} is no date, as 2026-01-31.") from None


def _moment(when: datetime | None) -> str | None:
    return when.strftime("%Y-%m-%dT%H:%M:%SZ") if when else None
