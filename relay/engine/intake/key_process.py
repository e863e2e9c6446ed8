"""Runs as the helper process that renders keys of arrivals that may take long; `key_helper` is its client.

It has no secrets and no database, runs at a lower priority than the process that started it, and exits when idle.
"""

from __future__ import annotations

import gc
import os
import select
import signal
import sys
from dataclasses import astuple
from typing import Any

from relay.engine.intake.arrival_keys import ArrivalKeys, derive
from relay.engine.intake.event_data import EventData
from relay.engine.intake.trigger_rules import TriggerRules
from relay.engine.sandbox import protocol

# Seconds without a question after which the process exits.
IDLE_SECONDS = 300.0
# CPU time for one question, and memory on top of what the process uses when it is ready. Beyond them, the operating
# system ends the process. Both grow with the largest body that the installation accepts.
CPU_SECONDS, BYTES_PER_CPU_SECOND = 1.0, 10 * 1024 * 1024
MEMORY_BYTES, MEMORY_PER_BODY_BYTE = 256 * 1024 * 1024, 20
NICENESS = 5


def main() -> None:
    """Answer questions until standard input ends or none arrives for IDLE_SECONDS."""
    questions, answers = sys.stdin.buffer.raw, sys.stdout.buffer  # type: ignore[union-attr]
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.nice(NICENESS)
    first = protocol.read(questions)
    if first is None:
        return
    protocol.limit_memory(MEMORY_BYTES + MEMORY_PER_BODY_BYTE * first["max_bytes"])
    gc.freeze()
    protocol.write(answers, {})
    while select.select([questions], [], [], IDLE_SECONDS)[0]:
        message = protocol.read(questions)
        if message is None:
            return
        protocol.write(answers, _answer_within(message, CPU_SECONDS + first["max_bytes"] / BYTES_PER_CPU_SECOND))


def _answer_within(message: dict[str, Any], cpu_seconds: float) -> dict[str, Any]:
    # The garbage collector would visit every value of a large body repeatedly, and free nothing.
    gc.disable()
    signal.setitimer(signal.ITIMER_PROF, cpu_seconds)
    try:
        return answer(message)
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        gc.enable()


def first_message(max_bytes: int) -> dict[str, Any]:
    """The message sent when the process starts: the size of the largest body it may receive."""
    return {"max_bytes": max_bytes}


def question(rules: TriggerRules, event: EventData) -> dict[str, Any]:
    """The message that asks for an arrival's keys, as JSON can hold it."""
    return {"rules": astuple(rules), "event": event.pack()}


def answer(message: dict[str, Any]) -> dict[str, Any]:
    """The answer to a `question`."""
    return {"keys": astuple(derive(TriggerRules(*message["rules"]), EventData.unpack(message["event"])))}


def keys(message: dict[str, Any]) -> ArrivalKeys:
    """The keys in an `answer`."""
    return ArrivalKeys(*message["keys"])


if __name__ == "__main__":
    main()
