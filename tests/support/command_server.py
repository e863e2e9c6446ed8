"""Runs `relay` commands in forks of one process that has loaded Relay: to load it takes longer than most commands.

    python -m tests.support.command_server

Reads a line of JSON for each command: `words`, and what it is `given` on standard input. Answers with a line of JSON:
its exit `code`, and what it printed as `out` and `err`.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path
from typing import BinaryIO

from relay import cli
from relay.data_folder import DataFolder


def main() -> None:
    questions, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    _load()
    for line in questions:
        question = json.loads(line)
        with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            given.write(question["given"].encode())
            given.seek(0)
            child = os.fork()
            if not child:
                _become(questions, answers, given, out, err)
                cli.main(["relay", *question["words"]])  # exits
            code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
            answer = {"code": code, "out": _text(out), "err": _text(err)}
        answers.write(json.dumps(answer).encode() + b"\n")
        answers.flush()


def _load() -> None:
    """Load what a command does, with the URLs that it would find."""
    from django.core.management import get_commands, load_command_class

    cli._use_urls_of_up(DataFolder(Path(os.environ["RELAY_DATA"])))
    from relay.supervision import processes

    processes.set_up_django()
    for name, app in get_commands().items():
        if app == "relay":
            load_command_class(app, name)


def _become(questions: BinaryIO, answers: BinaryIO, *streams: BinaryIO) -> None:
    """Let standard input, output and error be these files."""
    for number, stream in enumerate(streams):
        os.dup2(stream.fileno(), number)
    questions.close()
    answers.close()


def _text(stream: BinaryIO) -> str:
    stream.seek(0)
    return stream.read().decode()


if __name__ == "__main__":
    main()
    sys.exit()
