"""The base class of commands that act on a run, or on all matching runs."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any, ClassVar

from relay.engine.runs import bulk_actions, run_actions
from relay.engine.runs.run_actions import RunAction
from relay.errors import RelayError
from relay.management import lookups
from relay.management.command import RelayCommand
from relay.models import RunState, Workspace


def bulk_filter(options: dict[str, Any]) -> tuple[Workspace, dict[str, Any]] | None:
    """Return the workspace and the filter of runs that the options select; None if they name one RUN."""
    if options["flow"] is None and options["state"] is None:
        return None
    chosen: dict[str, Any] = {} if options["state"] is None else {"state": [options["state"]]}
    if options["flow"] is None:
        return lookups.workspace(options["workspace"]), chosen
    flow = lookups.flow(options["flow"])
    return flow.workspace, {**chosen, "flow": flow.pk}


class RunActionCommand(RelayCommand):
    """`action` is what it does, `names` what the argument may name."""

    action: ClassVar[RunAction]
    names: ClassVar[str] = "a RUN"

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        cls.help = cls.action.summary

    def arguments(self, parser: ArgumentParser) -> None:
        self.argument(parser)
        if self.action.bulk is None:
            return
        parser.add_argument("--flow", metavar="FLOW", help="all runs of this flow: id or exact name")
        parser.add_argument("--state", choices=RunState.values, metavar="STATE", help="all runs in this state")
        parser.add_argument("--workspace", metavar="NAME", help="for --state without --flow; default: the first one")

    @property
    def _nargs(self) -> str | None:
        return None if self.action.bulk is None else "?"

    def argument(self, parser: ArgumentParser) -> None:
        """Add the argument that names one run."""
        parser.add_argument("run", metavar="RUN", nargs=self._nargs, help="its reference, as `relay runs` prints it")

    def run(self, options: dict[str, Any]) -> None:
        if self.action.bulk is None:
            self.act(options)
            return
        selection = bulk_filter(options)
        if (selection is None) == (options["run"] is None):
            raise RelayError(f"Name {self.names}, or choose many with --flow or --state.")
        if selection is not None:
            workspace, chosen = selection
            self.say(f"{bulk_actions.apply(workspace, self.action.key, chosen)} runs are {self.action.done}.")
            return
        self.act(options)

    def act(self, options: dict[str, Any]) -> None:
        """Act on the one that the argument names."""
        run = lookups.run(options["run"])
        run_actions.act(run, self.action)
        self.say(f"{run.ref} is {self.action.done}.")
