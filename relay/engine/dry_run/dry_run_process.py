"""Runs the helper process of dry runs, which answers each question in a fork that ends with its answer.

So the secrets of a question are in no process that continues, and whatever a document does ends with the fork.
Questions and answers use `sandbox.protocol`.
"""

from __future__ import annotations

import gc
import os
import resource
import select
import signal
import sys
import traceback
from collections.abc import Callable
from typing import Any, NoReturn

from django.conf import settings

from relay.bodies import numerals
from relay.engine.sandbox import protocol

IDLE_SECONDS = 120.0  # without a question, after which the process ends
MEMORY_BYTES = 256 * 1024 * 1024  # in addition to the memory that the process uses when it is ready
CPU_SECONDS = 5  # for one question
MAX_ANSWER_BYTES = 2 * 1024 * 1024
# Exit status of a fork that has not answered; CLOSED means that stdin was closed.
OUT_OF_MEMORY, BROKEN, CLOSED = 1, 2, 3
AnswerFunction = Callable[[dict[str, Any]], dict[str, Any]]


def main() -> None:
    """Answer questions until stdin is closed, or there is none for IDLE_SECONDS."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    answer = _load()
    protocol.limit_memory(MEMORY_BYTES)
    gc.freeze()
    questions = sys.stdin.buffer.raw  # type: ignore[union-attr]
    while select.select([questions], [], [], IDLE_SECONDS)[0]:
        child = os.fork()
        if not child:
            _answer_and_end(questions, answer)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        if status == CLOSED:
            return
        if status:
            _end_like(status)


def _load() -> AnswerFunction:
    """Import everything that a walk needs, with models but without a database, for all forks; return `answer`."""
    import django

    installed = ["django.contrib.auth", "django.contrib.contenttypes", "relay"]
    settings.configure(INSTALLED_APPS=installed, AUTH_USER_MODEL="relay.User", USE_TZ=True, DATABASES={}, OWN_HOSTS=())
    django.setup()
    from relay.engine.dry_run.dry_run_answer import answer

    return answer


def _end_like(status: int) -> NoReturn:
    """End as the fork did: the asking process reads the reason from the status, and starts another process."""
    if status < 0:
        os.kill(os.getpid(), -status)
    sys.exit(status)


def _answer_and_end(questions: Any, answer: AnswerFunction) -> NoReturn:
    status = BROKEN
    try:
        resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, resource.getrlimit(resource.RLIMIT_CPU)[1]))
        question = protocol.read(questions)
        if question is not None:
            protocol.send(sys.stdout.buffer, _encode(answer(question)))
        status = CLOSED if question is None else 0
    except MemoryError:
        status = OUT_OF_MEMORY
    except Exception:  # noqa: BLE001 - a bug of Relay; the fork must end here and not continue as its parent
        traceback.print_exc()
    finally:
        os._exit(status)


def _encode(answer: dict[str, Any]) -> bytes:
    data = numerals.dumps(answer).encode()
    if len(data) > MAX_ANSWER_BYTES:
        data = numerals.dumps({"error": f"The result of this dry run is too large: {len(data):,} bytes"}).encode()
    return data


if __name__ == "__main__":
    main()
