"""`relay issues`: identical failures, grouped; `resolve`, `mute`, `unmute` and `replay` one."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Callable
from typing import Any

from relay.engine import alertwords, issues
from relay.management import finding
from relay.management.command import RelayCommand
from relay.models import Issue, IssueState, ReplayMode

_MOST = 100
_VERBS: dict[str, tuple[Callable[[Issue], None], str, str]] = {
    "resolve": (issues.resolve, "take it as mended; comes the same again, it is open again", "resolved"),
    "mute": (issues.mute, "count it, and tell nobody", "muted"),
    "unmute": (issues.unmute, "have it told again", "open again"),
}


class Command(RelayCommand):
    help = "List issues: what failed, or is held, for the same cause at the same step. The last that came first."

    def arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--state", choices=IssueState.values, default=IssueState.OPEN.value, help="default: open")
        parser.add_argument("--flow", metavar="FLOW", help="only those of this flow (id or exact name)")
        parser.add_argument("--json", action="store_true", help="print JSON")
        verbs = parser.add_subparsers(dest="verb", metavar="resolve|mute|unmute|replay")
        for word, (_, what, _) in _VERBS.items():
            _of_one(verbs.add_parser(word, help=what))
        replaying = verbs.add_parser("replay", help="resolve it, and replay its runs that failed, in the background")
        _of_one(replaying)
        replaying.add_argument("--live", action="store_true", help="from the start, on today's version")
        replaying.add_argument("--per-minute", type=int, default=0, metavar="N", help="default: as fast as they go")

    def run(self, options: dict[str, Any]) -> None:
        if options["verb"] is None:
            self._list(options)
            return
        issue = finding.issue(options["issue"])
        if options["verb"] == "replay":
            mode = ReplayMode.FROM_START if options["live"] else ReplayMode.FAILED_STEPS
            batch = issues.replay(issue, mode, per_minute=options["per_minute"])
            runs = batch.total - batch.skipped
            self.say(f"Batch {batch.pk} replays up to {runs} runs. `relay batches` says how far it is.")
            return
        verb, _, done = _VERBS[options["verb"]]
        verb(issue)
        self.say(f"{issue.ref} is {done}.")

    def _list(self, options: dict[str, Any]) -> None:
        found = Issue.objects.filter(state=options["state"]).select_related("flow", "workspace")
        if options["flow"] is not None:
            found = found.filter(flow=finding.flow(options["flow"]))
        rows = [alertwords.record(issue) for issue in found.order_by("-last_at", "pk")[:_MOST]]
        if options["json"]:
            self.say_json(rows)
            return
        head = ("ISSUE", "RUNS", "CAUSE", "FLOW", "STEP", "LAST")
        names = ("issue", "count", "cause", "flow", "step", "last_at")
        self.say_table(head, [[row["flow"]["name"] if one == "flow" else row[one] for one in names] for row in rows])


def _of_one(parser: ArgumentParser) -> None:
    parser.add_argument("issue", metavar="ISSUE", help="its reference, as `relay issues` prints it")
