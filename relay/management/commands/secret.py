"""`relay secret` adds, lists, ends and removes the secrets with which a trigger verifies its sender."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from datetime import UTC, date, datetime, time
from typing import Any

from relay.engine.configuration import trigger_secrets
from relay.errors import RelayError
from relay.flows.verification import label_of
from relay.management import lookups
from relay.management.command import RelayCommand
from relay.models import Flow, TriggerSecret


class Command(RelayCommand):
    help = "Manage the secrets with which a flow's trigger verifies its sender: encrypted, several valid at once."

    def arguments(self, parser: ArgumentParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True, metavar="add|list|end|remove")
        adding = verbs.add_parser("add", help="add one from standard input: its text, or a JSON object of parts")
        listing = verbs.add_parser("list", help="when each was added and when it ends, never its value")
        ending = verbs.add_parser("end", help="expire one")
        removing = verbs.add_parser("remove", help="remove one; without any, a sender may set one in a handshake")
        for verb in (adding, listing, ending, removing):
            verb.add_argument("flow", metavar="FLOW", help="id or exact name")
        for verb in (ending, removing):
            verb.add_argument("number", metavar="NUMBER", type=int, help="as `relay secret list` prints it")
        for verb in (adding, ending):
            verb.add_argument("--until", metavar="DATE", help="the last day on which it is valid, as 2026-01-31 (UTC)")
        listing.add_argument("--json", action="store_true", help="print JSON")

    def run(self, options: dict[str, Any]) -> None:
        flow = lookups.flow(options["flow"])
        match options["verb"]:
            case "add":
                secret = trigger_secrets.add(flow, _read_secret(flow), until=_end(options["until"]))
                self.say(f"Secret {secret.pk} of {flow.name} counts from now on.")
            case "list":
                self._list(flow, as_json=options["json"])
            case "end":
                secret = _secret(flow, options["number"])
                trigger_secrets.end(secret, _end(options["until"]))
                self.say(f"Secret {secret.pk} ends {_moment(secret.ends_at)}.")
            case "remove":
                secret = _secret(flow, options["number"])
                trigger_secrets.remove(secret)
                self.say(f"Secret {options['number']} is removed.")

    def _list(self, flow: Flow, *, as_json: bool) -> None:
        former = {secret.pk for secret in trigger_secrets.former_secrets(flow)}
        rows = [
            {
                "number": secret.pk,
                "added": _moment(secret.created_at),
                "ends": _moment(secret.ends_at),
                "counts": not secret.is_over and secret.pk not in former,
                "by_handshake": secret.by_handshake,
                "for": label_of(secret.sender),
                "former": secret.pk in former,
            }
            for secret in flow.trigger.secrets.all()
        ]
        if as_json:
            self.say_json(rows)
            return
        cells = [
            (row["number"], row["for"], row["added"], row["ends"] or "", "yes" if row["counts"] else "no")
            for row in rows
        ]
        self.say_table(("NUMBER", "FOR", "ADDED", "ENDS", "COUNTS"), cells)
        if former:
            self.say(f"Of a former sender: {len(former)}. `relay secret remove` removes them.")


def _read_secret(flow: Flow) -> dict[str, Any]:
    """Read standard input: a JSON object if the sender's secret has several parts, or else one text."""
    names = [field.key for field in trigger_secrets.fields(flow)]
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
    secret = flow.trigger.secrets.filter(pk=number).first() if 0 < number < 1 << 63 else None
    if secret is None:
        raise RelayError(f"{flow.name} has no secret {number}. `relay secret list` lists them.")
    return secret


def _end(text: str | None) -> datetime | None:
    """Return the end of a day."""
    if text is None:
        return None
    try:
        return datetime.combine(date.fromisoformat(text), time.max, UTC)
    except ValueError:
        raise RelayError(f"{text} is no date, as 2026-01-31.") from None


def _moment(when: datetime | None) -> str | None:
    return when.strftime("%Y-%m-%dT%H:%M:%SZ") if when else None
