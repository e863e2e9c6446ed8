"""`relay subscription` connects triggers: it makes, lists and removes webhooks at senders."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from relay.engine.configuration import subscription_offers, subscription_rows, subscriptions
from relay.errors import RelayError
from relay.management import lookups
from relay.management.command import RelayCommand
from relay.models import Flow, TriggerSubscription


class Command(RelayCommand):
    help = "Connect, list or disconnect triggers: webhooks that Relay makes at senders by their API."

    def arguments(self, parser: ArgumentParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True, metavar="connect|list|disconnect")
        connecting = verbs.add_parser("connect", help="create the webhook at the trigger's sender")
        disconnecting = verbs.add_parser("disconnect", help="remove the webhook at the sender")
        for verb in (connecting, disconnecting):
            verb.add_argument("flow", metavar="FLOW", help="id or exact name")
        connecting.add_argument("connection", metavar="CONNECTION", help="the connection to the sender, by its name")
        connecting.add_argument(
            "--input",
            metavar="KEY=VALUE",
            action="append",
            default=[],
            help="such as board_id=5abb...; repeatable",
        )
        disconnecting.add_argument("--forget", action="store_true", help="remove only what Relay has stored of it")
        listing = verbs.add_parser("list", help="flows and their webhooks, no secrets")
        listing.add_argument("--workspace", metavar="NAME", help="default: the first one")
        listing.add_argument("--json", action="store_true", help="print JSON")

    def run(self, options: dict[str, Any]) -> None:
        match options["verb"]:
            case "connect":
                self._connect(lookups.flow(options["flow"]), options["connection"], _inputs(options["input"]))
            case "disconnect":
                flow = lookups.flow(options["flow"])
                subscriptions.disconnect(flow, forget=options["forget"])
                self.say(f"{flow.name} is disconnected.")
            case "list":
                self._list(options["workspace"], as_json=options["json"])

    def _connect(self, flow: Flow, name: str, inputs: dict[str, str]) -> None:
        connection = flow.workspace.connections.filter(name=name).first()
        if connection is None:
            raise RelayError(f"There is no connection called {name}. `relay connection list` lists them.")
        if reason := subscription_offers.unreachable_reason():
            self.say(f"{reason}.")
        row = subscription_rows.record(subscriptions.connect(flow, connection, inputs))
        about = f" ({row['about']})" if row["about"] else ""
        self.say(f"{flow.name} is connected to {row['label']}{about}.")

    def _list(self, name: str | None, *, as_json: bool) -> None:
        rows = TriggerSubscription.objects.filter(workspace=lookups.workspace(name), trigger__isnull=False)
        found = [
            {"flow": row.trigger.flow.name, **subscription_rows.record(row)}
            for row in rows.select_related("connection", "trigger__flow").order_by("trigger__flow__name", "pk")
            if row.trigger is not None
        ]
        if as_json:
            self.say_json(found)
            return
        lines = [(one["flow"], one["label"], one["about"], one["state"], one["ends"] or "") for one in found]
        self.say_table(("FLOW", "SENDER", "ABOUT", "STATE", "ENDS"), lines)


def _inputs(words: list[str]) -> dict[str, str]:
    """The inputs in `KEY=VALUE` words. Raises RelayError for another word."""
    pairs = [word.partition("=") for word in words]
    if wrong := next((key for key, sign, _ in pairs if not sign or not key), None):
        raise RelayError(f"{wrong} is no input: write KEY=VALUE")
    return {key: value for key, _, value in pairs}
