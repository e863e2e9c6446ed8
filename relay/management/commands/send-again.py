"""`relay send-again` repeats an action with an unknown outcome."""

from __future__ import annotations

from relay.engine.runs import run_actions
from relay.management.run_actions import RunActionCommand


class Command(RunActionCommand):
    action = run_actions.send_again
