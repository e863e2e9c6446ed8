"""The `relay` command: `up`, and Django's management commands with the data folder chosen first."""

from __future__ import annotations

import os
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from relay.datafolder import DataFolder, read
from relay.errors import RelayError, SetupError

HELP = """\
Relay: a webhook comes in, the right requests go out.

  relay up          start everything: Valkey, web, workers, upkeep   [--host] [--port] [--workers]

Flows and runs (while `up` runs or not):
  relay import      make a flow of a document: FILE or - [--publish] [--workspace NAME]
  relay export      print a flow's document: ID or name
  relay recipes     ready flows: list, show RECIPE, or use RECIPE [--set NAME=VALUE] [--inbox] [--publish]
  relay start       start a flow by hand: ID or name [--input NAME=VALUE]
  relay flows       list flows [--json]
  relay dry-run     what a flow does with an event, sending nothing: FLOW|FILE --event FILE|-, or --samples [--json]
  relay sample      add FLOW NAME --event FILE|-, list, show or remove: named events to try a flow with
  relay runs        list runs, newest first [--flow] [--state] [--limit] [--json]
  relay replay      run the event of a run again: RUN [--live|--failed-steps|--body FILE]; or many: [--flow] [--state]
  relay issues      identical failures, grouped [--state] [--json]; or resolve, mute, unmute, replay: ISSUE
  relay alerts      who is told of issues; --flow FLOW has a flow told, --no-flow none [--json]
  relay batches     list replays of many [--json]
  relay cancel      end a run, or a replay of many: RUN or BATCH
  relay give-up     call a run that waits or is held failed: RUN
  relay try-now     make the next try of a waiting run now: RUN
  relay release     let a held run go: RUN
  relay pause       hold what arrives at a flow: FLOW
  relay resume      run it again, and release what was held: FLOW [--per-minute N|--discard]
  relay send-again  do an action again of which nobody knows whether it was done: RUN
  relay it-was-done take such an action as done, and go on: RUN
  relay connection  set NAME CONNECTOR (fields as JSON on standard input), or list
  relay vault       check, rotate [--drop-old] or drop-old: the keys that seal credentials [--json]
  relay variable    set NAME [--secret] (value on standard input), list [--json], or remove NAME
  relay storage     how much is stored [--json]
  relay outbound    check URL... or - : which URLs flows may call, sending nothing [--json]
  relay template    render FILE or - : what templates become, sending nothing [--context FILE] [--json]
  relay filters     what templates can use: [WORD...] [--json]
  relay audit       who did what, newest first [--since DAY] [--limit] [--json]
  relay user        add EMAIL [--role] (password on standard input), or reset-link EMAIL [--drop-second-factor]
  relay signatures  check FILE or -: which recorded requests come from their senders [--json]
  relay secret      add FLOW [--until DATE] (on standard input), list, end or remove: what its sender signs with

One process each, for several hosts:
  relay web         pages and ingest [--host] [--port]
  relay ingest      ingest without pages [--host] [--port]
  relay worker      carries runs through their steps [--burst]
  relay upkeep      rings what is due

  relay migrate     bring the database up to date
  relay version     print the version

Every command takes --data FOLDER (default: RELAY_DATA or ./data). `relay COMMAND --help` says more.
"""


_NEED_NO_DATA = {"filters"}


def main(argv: list[str] | None = None) -> None:
    """Run one command; an error of ours is one line on stderr, exit code 2 for a wrong set-up and else 1."""
    argv = list(sys.argv if argv is None else argv)
    try:
        sys.exit(_run(argv))
    except RelayError as error:
        print(f"relay: {error}", file=sys.stderr)
        sys.exit(2 if isinstance(error, SetupError) else 1)
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        # `relay runs | head`: whoever read has seen enough. The interpreter flushes stdout once more at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)


def _run(argv: list[str]) -> int:
    words = _chosen_data_folder(argv[1:])
    command = words[0] if words else "help"
    if command in ("-h", "--help", "help") and len(words) <= 1:
        print(HELP, end="")
    elif command in ("version", "--version"):
        print(_version())
    elif command == "help":
        return _run([argv[0], words[1], "--help"])
    elif command == "up":
        return _up(words[1:])
    else:
        _django([argv[0], *words])
    sys.stdout.flush()
    return 0


def _up(words: list[str]) -> int:
    from relay.supervision import up

    return up.main(up.parse(words), _folder())


def _django(argv: list[str]) -> None:
    if not {"-h", "--help"} & set(argv) and argv[1] not in _NEED_NO_DATA:
        folder = _folder()
        folder.prepare()
        if url := read(folder.public_url):
            os.environ.setdefault("RELAY_PUBLIC_URL", url)
    from relay.supervision import roles

    roles.set_up_django()
    from django.core.management import execute_from_command_line

    execute_from_command_line(argv)


def _chosen_data_folder(words: list[str]) -> list[str]:
    """Take `--data FOLDER` from anywhere in the line: settings read it before a command parses its options."""
    rest: list[str] = []
    chosen = os.environ.get("RELAY_DATA", "") or "data"
    left = iter(words)
    for word in left:
        if word == "--data":
            chosen = next(left, "")
            if not chosen:
                raise SetupError("--data needs a folder.")
        elif word.startswith("--data="):
            chosen = word.removeprefix("--data=")
        else:
            rest.append(word)
    os.environ["RELAY_DATA"] = str(Path(chosen).expanduser().absolute())
    return rest


def _folder() -> DataFolder:
    os.umask(0o077)  # the database holds what customers sent
    return DataFolder(Path(os.environ["RELAY_DATA"]))


def _version() -> str:
    try:
        return version("relay")
    except PackageNotFoundError:
        return "unknown"
