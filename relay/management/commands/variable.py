"""`relay variable set`, `list` and `remove`."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from typing import Any

from relay.engine import variables
from relay.errors import RelayError
from relay.management import finding
from relay.management.command import RelayCommand
from relay.models import Variable, Workspace


class Command(RelayCommand):
    help = "Set, list or remove variables: values that templates call vars.NAME."

    def arguments(self, parser: ArgumentParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True, metavar="set|list|remove")
        setting = verbs.add_parser("set", help="make or change one; its value on standard input")
        setting.add_argument("name", metavar="NAME", help="what templates call it: vars.NAME")
        setting.add_argument("--secret", action="store_true", help="seal it; it is never shown again")
        listing = verbs.add_parser("list", help="names and values; of secret ones the names")
        listing.add_argument("--json", action="store_true", help="print JSON")
        removing = verbs.add_parser("remove", help="remove one that no live flow uses")
        removing.add_argument("name", metavar="NAME")
        for verb in (setting, listing, removing):
            verb.add_argument("--workspace", metavar="NAME", help="default: the first one")

    def run(self, options: dict[str, Any]) -> None:
        workspace = finding.workspace(options["workspace"])
        match options["verb"]:
            case "list":
                self._list(workspace, as_json=options["json"])
            case "remove":
                self._remove(workspace, options["name"])
            case _:
                made = variables.set_variable(workspace, options["name"], _value(), secret=options["secret"])
                self.say(f"{made.name} is set{', sealed' if made.is_secret else ''}.")

    def _list(self, workspace: Workspace, *, as_json: bool) -> None:
        rows = [_row(variable) for variable in workspace.variables.order_by("name")]
        if as_json:
            self.say_json(rows)
        else:
            shown = [(row["name"], "(secret)" if row["secret"] else row["value"]) for row in rows]
            self.say_table(("NAME", "VALUE"), shown)

    def _remove(self, workspace: Workspace, name: str) -> None:
        found = workspace.variables.filter(name=name).first()
        if found is None:
            raise RelayError(f"There is no variable {name}. `relay variable list` lists them.")
        variables.remove(found)
        self.say(f"{name} is removed.")


def _row(variable: Variable) -> dict[str, Any]:
    return {
        "name": variable.name,
        "secret": variable.is_secret,
        "value": None if variable.is_secret else variable.value,
    }


def _value() -> str:
    """All of standard input, without the line break at its end."""
    try:
        text = sys.stdin.buffer.read(4 * variables.MOST_CHARACTERS + 4).decode()
    except UnicodeDecodeError:
        raise RelayError("Standard input must hold the value as UTF-8 text.") from None
    return text.removesuffix("\n").removesuffix("\r")
