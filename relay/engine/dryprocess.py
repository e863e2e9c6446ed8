"""The process of dry runs: each question is answered by a fork of it, which ends with its answer.

So what a question brings of secrets is in no process that lives on, and whatever a document does ends with it.
Questions and answers are those of `trialprocess`.
"""

from __future__ import annotations

import gc
import json
import os
import resource
import select
import signal
import sys
import traceback
from collections.abc import Callable
from typing import Any, NoReturn

from django.conf import settings

from relay.engine import trialprocess

# Seconds without a question after which it ends.
IDLE = 120.0
# Bytes beyond what it has when it is ready, seconds of CPU for one question, and bytes of one answer.
ROOM = 256 * 1024 * 1024
CPU = 5
MOST_TOLD = 8 * 1024 * 1024
# How a fork ends where it can't answer: out of memory, broken, or with nobody left who asks.
OUT_OF_MEMORY, BROKEN, OVER = 1, 2, 3
Answers = Callable[[dict[str, Any]], dict[str, Any]]


def main() -> None:
    """Answer until standard input ends, or nobody has asked for a while."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    answer = _load()
    trialprocess.limit_memory(ROOM)
    gc.freeze()
    questions = sys.stdin.buffer.raw  # type: ignore[union-attr]
    while select.select([questions], [], [], IDLE)[0]:
        child = os.fork()
        if not child:
            _answer_and_end(questions, answer)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        if status == OVER:
            return
        if status:
            _end_like(status)


def _load() -> Answers:
    """All that a walk needs, with models and without a database, so that forks begin with it; what answers."""
    import django

    installed = ["django.contrib.auth", "django.contrib.contenttypes", "relay"]
    settings.configure(INSTALLED_APPS=installed, AUTH_USER_MODEL="relay.User", USE_TZ=True, DATABASES={})
    django.setup()
    from relay.engine.dryanswer import answer

    return answer


def _end_like(status: int) -> NoReturn:
    """End as the fork did: whoever asked reads it off the status, and starts another."""
    if status < 0:
        os.kill(os.getpid(), -status)
    sys.exit(status)


def _answer_and_end(questions: Any, answer: Answers) -> NoReturn:
    status = BROKEN
    try:
        resource.setrlimit(resource.RLIMIT_CPU, (CPU, resource.getrlimit(resource.RLIMIT_CPU)[1]))
        asked = trialprocess.read(questions)
        if asked is not None:
            trialprocess.send(sys.stdout.buffer, _told(answer(asked)))
        status = OVER if asked is None else 0
    except MemoryError:
        status = OUT_OF_MEMORY
    except Exception:  # noqa: BLE001 - a mistake of ours, which must not leave this process going on as another
        traceback.print_exc()
    finally:
        os._exit(status)


def _told(answer: dict[str, Any]) -> bytes:
    told = json.dumps(answer).encode()
    if len(told) > MOST_TOLD:
        told = json.dumps({"error": f"There is too much to tell of this dry run: {len(told):,} bytes"}).encode()
    return told


if __name__ == "__main__":
    main()
