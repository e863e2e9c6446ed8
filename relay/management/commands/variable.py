"""`relay variable` sets, lists and removes variables."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from typing import Any

from relay.engine.configuration import variables
from relay.errors import RelayError
from relay.management import lookups
from relay.management.command import RelayCommand
from relay.models import Variable, Workspace


class Command(RelayCommand):
    help = "Set, list or remove variables, which templates read as vars.NAME."

    def arguments(self, parser: ArgumentParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True, metavar="set|list|remove")
        setting = verbs.add_parser("set", help="create or change one; its value is standard input")
        setting.add_argument("name", metavar="NAME", help="its name in templates: vars.NAME")
        setting.add_argument("--secret", action="store_true", help="encrypt it, and never show it again")
        listing = verbs.add_parser("list", help="names and values; no secret values")
        listing.add_argument("--json", action="store_true", help="print JSON")
        removing = verbs.add_parser("remove", help="remove one that no live flow uses")
        removing.add_argument("name", metavar="NAME")
        for verb in (setting, listing, removing):
            verb.add_argument("--workspace", metavar="NAME", help="default: the first one")

    def run(self, options: dict[str, Any]) -> None:
        workspace = lookups.workspace(options["workspace"])
        match options["verb"]:
            case "list":
                self._list(workspace, as_json=options["json"])
            case "remove":
                self._remove(workspace, options["name"])
            case _:
                variable = variables.set_variable(workspace, options["name"], _value(), secret=options["secret"])
                self.say(f"{variable.name} is set{', sealed' if variable.is_secret else ''}.")

    def _list(self, workspace: Workspace, *, as_json: bool) -> None:
        rows = [_row(variable) for variable in workspace.variables.order_by("name")]
        if as_json:
            self.say_json(rows)
        else:
            shown = [(row["name"], "(secret)" if row["secret"] else row["value"]) for row in rows]
            self.say_table(("NAME", "VALUE"), shown)

    def _remove(self, workspace: Workspace, name: str) -> None:
        variable = workspace.variables.filter(name=name).first()
        if variable is None:
            raise RelayError(f"There is no variable {name}. `relay variable list` lists them.")
        variables.remove(variable)
        self.say(f"{name} is removed.")


def _row(variable: Variable) -> dict[str, Any]:
    return {
        "name": variable.name,
        "secret": variable.is_secret,
        "value": None if variable.is_secret else variable.value,
    }


def _value() -> str:
    """Read standard input, without the line break at its end."""
    try:
        text = sys.stdin.buffer.read(4 * variables.MAX_CHARACTERS + 4).decode()
    except UnicodeDecodeError:
        raise RelayError("Standard input must hold the value as UTF-8 text.") from None
    return text.removesuffix("\n").removesuffix("\r")
