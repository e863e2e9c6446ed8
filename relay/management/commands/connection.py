"""`relay connection` sets, tests and lists connections."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from relay.engine.configuration import connection_state, connections
from relay.engine.configuration.connection_state import ConnectionStatus
from relay.engine.oauth import status as oauth_status
from relay.engine.service_calls import connection_test
from relay.errors import RelayError
from relay.management import lookups
from relay.management.command import RelayCommand
from relay.models import Workspace


class Command(RelayCommand):
    help = "Set, test or list connections: encrypted credentials that flows use."

    def arguments(self, parser: ArgumentParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True, metavar="set|test|list")
        setting = verbs.add_parser("set", help="create or change one; its fields are a JSON object on standard input")
        setting.add_argument("name", metavar="NAME", help="its name in flows")
        setting.add_argument("connector", metavar="CONNECTOR", help="such as slack or trello")
        setting.add_argument("--rate", metavar="RATE", help="limit of requests: 1/s, 30/m, 500/h")
        testing = verbs.add_parser("test", help="call the service: whom it is connected as, or what is wrong")
        testing.add_argument("name", metavar="NAME", help="its name in flows")
        listing = verbs.add_parser("list", help="names and connectors, no secrets")
        for verb in (testing, listing):
            verb.add_argument("--json", action="store_true", help="print JSON")
        for verb in (setting, testing, listing):
            verb.add_argument("--workspace", metavar="NAME", help="default: the first one")

    def run(self, options: dict[str, Any]) -> None:
        workspace = lookups.workspace(options["workspace"])
        if options["verb"] == "list":
            self._list(workspace, as_json=options["json"])
        elif options["verb"] == "test":
            self._test(workspace, options["name"], as_json=options["json"])
        else:
            connection = connections.set_connection(
                workspace, options["name"], options["connector"], lookups.json_object(), rate=options["rate"]
            )
            is_set = f"{connection.name} ({connection.connector}) is set."
            needs_person = oauth_status.state_of(connection) == oauth_status.NOT_CONNECTED
            self.say(f"{is_set} Connect it on its page under Connections." if needs_person else is_set)

    def _test(self, workspace: Workspace, name: str, *, as_json: bool) -> None:
        connection = workspace.connections.filter(name=name).first()
        if connection is None:
            raise RelayError(f"There is no connection called {name}. `relay connection list` lists them.")
        report = connection_test.run(connection)
        if as_json:
            self.say_json({"works": report.works, "message": report.message, "connected_as": report.identity or None})
        elif report.works:
            self.say(f"{report.message}.")
        if not report.works:
            raise RelayError(report.message)

    def _list(self, workspace: Workspace, *, as_json: bool) -> None:
        statuses = connection_state.statuses(workspace)
        if as_json:
            self.say_json([_record(status) for status in statuses])
            return
        rows = [(one.connection, one.state.value) for one in statuses]
        lines = [(row.name, row.connector, state, oauth_status.state_of(row)) for row, state in rows]
        self.say_table(("NAME", "CONNECTOR", "STATE", "ACCESS"), lines)


def _record(status: ConnectionStatus) -> dict[str, Any]:
    row = status.connection
    access = oauth_status.record(row)
    return {"name": row.name, "connector": row.connector, "state": status.state.value, "access": access}
