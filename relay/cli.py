"""Runs the `relay` command: `up`, or a Django management command, after choosing the data folder."""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path

from relay import distribution
from relay.data_folder import DataFolder, read
from relay.errors import RelayError, SetupError

HELP = """\
Relay receives webhooks and sends the right requests.

  relay up          start everything: Valkey, web, workers, upkeep   [--host] [--port] [--workers] [--reload]

Flows and runs (whether `up` runs or not):
  relay import      create a flow from a document: FILE or - [--publish] [--workspace NAME]
  relay export      print a flow's document: ID or name
  relay recipes     ready-made flows: list, show RECIPE, or use RECIPE [--set NAME=VALUE] [--inbox] [--publish]
  relay start       start a flow by hand: ID or name [--input NAME=VALUE]
  relay flows       list flows [--json]
  relay dry-run     walk a flow for an event, sending nothing: FLOW|FILE --event FILE|-, or --samples [--json]
  relay sample      add FLOW NAME --event FILE|-, list, show or remove: named events to test a flow with
  relay runs        list runs, newest first [--flow] [--state] [--limit] [--json]
  relay replay      run an event again: RUN [--as-it-was|--failed-steps|--body FILE]; or several: [--flow] [--state]
  relay issues      identical failures, grouped [--state] [--json]; or resolve, mute, unmute, replay: ISSUE
  relay alerts      who receives alerts; choose the flow with --flow FLOW, or --no-flow [--json]
  relay batches     list bulk replays [--json]
  relay cancel      end a run, or stop a bulk replay: RUN or BATCH
  relay give-up     mark a waiting or held run as failed: RUN
  relay try-now     make the next attempt of a waiting run now: RUN
  relay release     release a held run: RUN
  relay pause       hold new events of a flow: FLOW
  relay resume      run new events again, and release held runs: FLOW [--per-minute N|--discard]
  relay send-again  repeat an action with an unknown outcome: RUN
  relay it-was-done count such an action as done, and continue: RUN
  relay connection  set NAME CONNECTOR (fields as JSON on standard input), test NAME, or list
  relay vault       check, rotate [--drop-old] or drop-old: the keys that encrypt credentials [--json]
  relay variable    set NAME [--secret] (value on standard input), list [--json], or remove NAME
  relay storage     how much is stored [--json]
  relay outbound    check URL... or - : which URLs flows may call, sending nothing [--json]
  relay template    render FILE or - : render templates, sending nothing [--context FILE] [--json]
  relay connectors  list services with their actions and presets: [KEY...] [--json]
  relay connector   check [KEY...]: does a connector follow the rules? or new KEY: write its files
  relay filters     list the filters of templates: [WORD...] [--json]
  relay audit       print the audit log, newest first [--since DAY] [--limit] [--json]
  relay user        add EMAIL [--role] (password on standard input), or reset-link EMAIL [--drop-second-factor]
  relay signatures  check FILE or -: which recorded requests are genuine [--json]
  relay subscription  connect FLOW CONNECTION, list or disconnect: webhooks that Relay makes at senders
  relay secret      add FLOW [--until DATE] (value on standard input), list, end (expire) or remove

One process each, for several hosts:
  relay web         pages and ingest [--host] [--port]
  relay ingest      ingest without pages [--host] [--port]
  relay worker      one worker, which works on due runs [--burst]
  relay upkeep      wakes workers, indexes, alerts and prunes

  relay migrate     bring the database up to date
  relay version     print the version

Every command takes --data FOLDER (default: RELAY_DATA or ./data). `relay help COMMAND` prints its options.
"""


_COMMANDS_WITHOUT_DATA = {"filters", "connectors", "connector"}


def main(argv: list[str] | None = None) -> None:
    """Run one command; print a RelayError in one line on stderr, and exit with 2 for a wrong set-up, or else 1."""
    argv = list(sys.argv if argv is None else argv)
    _escape_unencodable()
    try:
        sys.exit(_run(argv))
    except RelayError as error:
        print(f"relay: {error}", file=sys.stderr)
        sys.exit(2 if isinstance(error, SetupError) else 1)
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        # `relay runs | head`: the reader has closed the pipe. The interpreter flushes stdout once more when it exits.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)


def _escape_unencodable() -> None:
    """Write characters that the terminal's encoding doesn't have as \\xf6 or \\u4e2d, instead of failing."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _run(argv: list[str]) -> int:
    words = _choose_data_folder(argv[1:])
    command = words[0] if words else "help"
    if command in ("-h", "--help", "help") and len(words) <= 1:
        print(HELP, end="")
    elif command in ("version", "--version"):
        print(distribution.version() or "unknown")
    elif command == "help":
        return _run([argv[0], words[1], "--help"])
    elif command == "up":
        return _up(words[1:])
    else:
        _django([argv[0], *words])
    sys.stdout.flush()
    return 0


def _up(words: list[str]) -> int:
    from relay.supervision import reloading, up

    options = up.parse(words)
    return reloading.main(words) if options.reload else up.main(options, _folder())


def _django(argv: list[str]) -> None:
    if not {"-h", "--help"} & set(argv) and argv[1] not in _COMMANDS_WITHOUT_DATA:
        folder = _folder()
        folder.prepare()
        _use_urls_of_up(folder)
    from relay.supervision import processes

    processes.set_up_django()
    from django.core.management import execute_from_command_line

    execute_from_command_line(argv)


def _use_urls_of_up(folder: DataFolder) -> None:
    """Use the URLs of the running `relay up` in what a command prints, unless the environment sets others."""
    if os.environ.get("RELAY_PUBLIC_URL"):
        return
    for name, file in (("RELAY_PUBLIC_URL", folder.public_url), ("RELAY_INGEST_URL", folder.ingest_url)):
        if url := read(file):
            os.environ[name] = os.environ.get(name) or url


def _choose_data_folder(words: list[str]) -> list[str]:
    """Remove `--data FOLDER` from the arguments and set RELAY_DATA, which settings read before options are parsed."""
    rest: list[str] = []
    chosen = os.environ.get("RELAY_DATA", "") or "data"
    remaining = iter(words)
    for word in remaining:
        if word == "--data":
            chosen = next(remaining, "")
            if not chosen:
                raise SetupError("--data needs a folder.")
        elif word.startswith("--data="):
            chosen = word.removeprefix("--data=")
        else:
            rest.append(word)
    os.environ["RELAY_DATA"] = str(Path(chosen).expanduser().absolute())
    return rest


def _folder() -> DataFolder:
    os.umask(0o077)  # the database holds customers' data
    return DataFolder(Path(os.environ["RELAY_DATA"]))
