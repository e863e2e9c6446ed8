"""`relay give-up` marks waiting or held runs as failed."""

from __future__ import annotations

from relay.engine.runs import run_actions
from relay.management.run_actions import RunActionCommand


class Command(RunActionCommand):
    action = run_actions.give_up
