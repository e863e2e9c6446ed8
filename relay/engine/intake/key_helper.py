"""Renders the keys of arrivals in a helper process."""

from __future__ import annotations

import signal

from django.conf import settings

from relay.engine.intake import key_process
from relay.engine.intake.arrival_keys import ArrivalKeys
from relay.engine.intake.event_data import EventData
from relay.engine.intake.trigger_rules import TriggerRules
from relay.engine.sandbox.process import HelperProcess
from relay.errors import RelayError

# Exit statuses of a process that ran out of CPU time or memory.
_EXHAUSTED = (-signal.SIGPROF, 1)


class KeyHelper(HelperProcess):
    """One helper process, started by the first call."""

    def __init__(self) -> None:
        first_message = key_process.first_message(settings.MAX_BYTES)
        super().__init__(
            module=key_process.__name__,
            first_message=first_message,
            noun="key",
            cpu_seconds=int(key_process.CPU_SECONDS),
            max_starts=None,
        )

    def keys(self, rules: TriggerRules, event: EventData) -> ArrivalKeys:
        """The keys of an arrival.

        TemplateLimit: they take more CPU time or memory than one arrival may use; RelayError: try again later.
        """
        return key_process.keys(self.ask(key_process.question(rules, event)))

    def _stopped(self, status: int) -> RelayError:
        # The process was killed from outside, or timed out on a busy machine: another try may succeed.
        return super()._stopped(status) if status in _EXHAUSTED else RelayError("The process that derives keys ended")
