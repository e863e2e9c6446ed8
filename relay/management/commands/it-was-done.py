"""`relay it-was-done` continues a run that is held for an unknown outcome, and counts its action as done."""

from __future__ import annotations

from relay.engine.runs import run_actions
from relay.management.run_actions import RunActionCommand


class Command(RunActionCommand):
    action = run_actions.was_done
