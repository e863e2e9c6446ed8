"""`relay up --reload`, with a small command in place of `relay up`."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.running import wait_until

RELOADER = "import sys; from pathlib import Path; from relay.supervision import reloading; "
RUN = RELOADER + "sys.exit(reloading.run([sys.executable, sys.argv[1]], [Path(sys.argv[2])]))"
NOTES = "from pathlib import Path; notes = Path({notes!r}).open('a'); notes.write('up '); notes.flush()\n"
HANDLES = "import signal; signal.signal(signal.SIGTERM, lambda *_: exit(7))\n"
STAYS = "import time; time.sleep(60)\n"

Start = Callable[[str], subprocess.Popen[bytes]]


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    return tmp_path / "notes"


@pytest.fixture
def watched(tmp_path: Path) -> Path:
    folder = tmp_path / "watched"
    folder.mkdir()
    (folder / "module.py").write_text("x = 1\n")
    return folder


@pytest.fixture
def start(tmp_path: Path, notes: Path, watched: Path) -> Iterator[Start]:
    started: list[subprocess.Popen[bytes]] = []

    def run(then: str) -> subprocess.Popen[bytes]:
        command = tmp_path / "command.py"
        # It notes that it is up once it handles signals.
        command.write_text(HANDLES + NOTES.format(notes=str(notes)) + then)
        started.append(subprocess.Popen([sys.executable, "-c", RUN, str(command), str(watched)]))
        wait_until(lambda: starts(notes) == 1, what="the command runs")
        return started[0]

    yield run
    for process in started:
        process.kill()
        process.wait()


def starts(notes: Path) -> int:
    return notes.read_text().count("up") if notes.exists() else 0


def test_a_changed_file_starts_it_again(start: Start, notes: Path, watched: Path) -> None:
    start(STAYS)

    (watched / "page.html").write_text("<p>New</p>")

    wait_until(lambda: starts(notes) == 2, what="the command runs again")


def test_what_fails_waits_for_the_next_change(start: Start, notes: Path, watched: Path) -> None:
    process = start("raise SyntaxError\n")

    (watched / "module.py").write_text("x = 22\n")

    wait_until(lambda: starts(notes) == 2, what="the command runs again")
    assert process.poll() is None


def test_what_ends_well_ends_it(start: Start) -> None:
    assert start("").wait(20) == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_both(start: Start, number: signal.Signals) -> None:
    process = start(STAYS)

    process.send_signal(number)

    assert process.wait(20) == 7
