"""Runs the helper process that renders and checks templates: it reads questions from stdin and answers on stdout."""

from __future__ import annotations

import gc
import resource
import select
import signal
import sys

from relay.engine.preview.render_task import answer
from relay.engine.sandbox import protocol

IDLE_SECONDS = 300.0  # without a question, after which the process ends
# Beyond these limits, the system ends the process.
MEMORY_BYTES = 160 * 1024 * 1024  # in addition to the memory that the process uses when it is ready
CPU_SECONDS = 2  # for one question


def main() -> None:
    """Answer questions until stdin is closed, or there is none for IDLE_SECONDS."""
    questions, answers = sys.stdin.buffer.raw, sys.stdout.buffer  # type: ignore[union-attr]
    # Ctrl-C is sent to all processes of a terminal; this one ends with its parent.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    protocol.limit_memory(MEMORY_BYTES)
    gc.freeze()
    while select.select([questions], [], [], IDLE_SECONDS)[0]:
        question = protocol.read(questions)
        if question is None:
            return
        _renew_cpu()
        protocol.write(answers, answer(question))


def _renew_cpu() -> None:
    used = resource.getrusage(resource.RUSAGE_SELF)
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (int(used.ru_utime + used.ru_stime) + 1 + CPU_SECONDS, hard))


if __name__ == "__main__":
    main()
