"""`relay try-now` makes the next attempt of waiting runs now."""

from __future__ import annotations

from relay.engine.runs import run_actions
from relay.management.run_actions import RunActionCommand


class Command(RunActionCommand):
    action = run_actions.try_now
