"""`relay issues` lists issues, and resolves, mutes, unmutes or replays one."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Callable
from typing import Any

from relay.engine.alerts import alert_messages, issues
from relay.management import lookups
from relay.management.command import RelayCommand
from relay.models import Issue, IssueState, ReplayMode

_MAX_ISSUES = 100
_ACTIONS: dict[str, tuple[Callable[[Issue], None], str, str]] = {
    "resolve": (issues.resolve, "close it until the failure happens again", "resolved"),
    "mute": (issues.mute, "count it without alerting anyone", "muted"),
    "unmute": (issues.unmute, "alert again", "open again"),
}


class Command(RelayCommand):
    help = "List issues: failures and held runs with the same cause at the same step, most recent first."

    def arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--state", choices=IssueState.values, default=IssueState.OPEN.value, help="default: open")
        parser.add_argument("--flow", metavar="FLOW", help="only issues of this flow (id or exact name)")
        parser.add_argument("--json", action="store_true", help="print JSON")
        verbs = parser.add_subparsers(dest="verb", metavar="resolve|mute|unmute|replay")
        for word, (_, summary, _) in _ACTIONS.items():
            _add_issue_argument(verbs.add_parser(word, help=summary))
        replaying = verbs.add_parser("replay", help="resolve it, and replay its failed runs in the background")
        _add_issue_argument(replaying)
        replaying.add_argument("--live", action="store_true", help="from the start, on the live version")
        replaying.add_argument("--per-minute", type=int, default=0, metavar="N", help="default: as fast as possible")

    def run(self, options: dict[str, Any]) -> None:
        if options["verb"] is None:
            self._list(options)
            return
        issue = lookups.issue(options["issue"])
        if options["verb"] == "replay":
            mode = ReplayMode.FROM_START if options["live"] else ReplayMode.FAILED_STEPS
            batch = issues.replay(issue, mode, per_minute=options["per_minute"])
            runs = batch.total - batch.skipped
            self.say(f"Batch {batch.pk} replays up to {runs} runs. `relay batches` shows its progress.")
            return
        action, _, done = _ACTIONS[options["verb"]]
        action(issue)
        self.say(f"{issue.ref} is {done}.")

    def _list(self, options: dict[str, Any]) -> None:
        issues_shown = Issue.objects.filter(state=options["state"]).select_related("flow", "workspace")
        if options["flow"] is not None:
            issues_shown = issues_shown.filter(flow=lookups.flow(options["flow"]))
        rows = [alert_messages.record(issue) for issue in issues_shown.order_by("-last_at", "pk")[:_MAX_ISSUES]]
        if options["json"]:
            self.say_json(rows)
            return
        head = ("ISSUE", "RUNS", "CAUSE", "FLOW", "STEP", "LAST")
        names = ("issue", "count", "cause", "flow", "step", "last_at")
        self.say_table(head, [[row["flow"]["name"] if name == "flow" else row[name] for name in names] for row in rows])


def _add_issue_argument(parser: ArgumentParser) -> None:
    parser.add_argument("issue", metavar="ISSUE", help="its reference, as `relay issues` prints it")
