"""The embedded database in trouble: locked by another process, or on a full disk."""

from __future__ import annotations

import contextlib
import http.client
import os
import resource
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.chaos.stream import IN_HAND, Sink, Stream, assert_all_is_well, port, publish
from tests.support.running import Relay, wait_until

pytestmark = pytest.mark.exhaustive  # it takes minutes, all together

Start = Callable[..., Relay]
LOCKED = 10.0  # seconds
_HOLD = "import sqlite3, sys; sqlite3.connect(sys.argv[1], isolation_level=None).execute('BEGIN IMMEDIATE'); input()"


@contextlib.contextmanager
def lock(database: Path) -> Iterator[None]:
    """Another process holds the write lock."""
    with subprocess.Popen([sys.executable, "-c", f"{_HOLD}", str(database)], stdin=subprocess.PIPE) as holder:
        wait_until(lambda: _is_locked(database), what="the database is locked")
        yield
        holder.communicate(b"\n")


def _is_locked(database: Path) -> bool:
    with closing(sqlite3.connect(database, timeout=0, isolation_level=None)) as other:
        try:
            other.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            return True
        other.execute("ROLLBACK")
        return False


def test_killed_upkeep_is_replaced_and_the_log_copied_again(relay_up: Relay, sink: Sink) -> None:
    path = publish(relay_up, sink.url)
    upkeep = _upkeep(relay_up)

    os.kill(upkeep, signal.SIGKILL)
    wait_until(lambda: _upkeep(relay_up) not in (0, upkeep), what="another upkeep runs")
    answers = {_post(port(relay_up), path, b'"' + b"x" * 1_000_000 + b'"') for _ in range(20)}

    assert answers == {202}
    database = relay_up.folder / "relay.sqlite3"
    wait_until(lambda: database.stat().st_size > 20_000_000, what="the database has what was posted")


def _upkeep(relay: Relay) -> int:
    return next((pid for name, pid in relay.children().items() if "upkeep" in name), 0)


def _post(to: int, path: str, body: bytes) -> int:
    with closing(http.client.HTTPConnection("127.0.0.1", to, timeout=20)) as connection:
        connection.request("POST", path, body, {"Content-Type": "application/json"})
        return connection.getresponse().status


@pytest.mark.chaos
def test_locked_database_loses_nothing(relay_up: Relay, sink: Sink) -> None:
    path = publish(relay_up, sink.url)

    with Stream(port(relay_up), path) as stream:
        with lock(relay_up.folder / "relay.sqlite3"):
            time.sleep(LOCKED)
            taken = len(stream.books.acknowledged)
            time.sleep(0.5)
            assert len(stream.books.acknowledged) == taken  # nothing is acknowledged that isn't stored
        stream.wait_for(100)

    assert_all_is_well(relay_up, sink, stream.books, twice=2 * IN_HAND)
    assert not stream.books.cut
    assert set(stream.books.refused) <= {503}


def test_full_disk_refuses_and_recovers(start_relay: Start, sink: Sink) -> None:
    """Where no file may grow, which any user can bring about."""
    relay = start_relay(RELAY_ALLOWED_NETWORKS="127.0.0.0/8")
    path = publish(relay, sink.url)
    everybody = [pid for name, pid in relay.children().items() if "valkey" not in name]

    with Stream(port(relay), path) as stream:
        for pid in everybody:
            _limit_files(pid, 4096)
        wait_until(lambda: stream.books.refused, what="ingest refuses")
        for pid in everybody:
            _limit_files(pid, resource.RLIM_INFINITY)
        stream.wait_for(100)

    assert_all_is_well(relay, sink, stream.books, twice=2 * IN_HAND)
    assert not stream.books.cut
    assert set(stream.books.refused) <= {503, 507}


def _limit_files(pid: int, size: int) -> None:
    _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (size if hard == resource.RLIM_INFINITY else min(size, hard), hard))


@pytest.fixture
def small_disk() -> Iterator[Path]:
    """A data folder on a file system of 32 MB, which takes the log as well."""
    folder = Path("/tmp") / f"relay-small-{os.getpid()}"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=32m", "relay-test", str(folder)], capture_output=True)
    if mounted.returncode:
        folder.rmdir()
        pytest.skip("only root may mount a small disk; the test with limited files runs everywhere")
    yield folder / "data"
    subprocess.run(["umount", "--lazy", str(folder)], check=True)
    folder.rmdir()


@pytest.mark.chaos
def test_disk_that_runs_full_recovers_when_there_is_room(small_disk: Path, start_relay: Start, sink: Sink) -> None:
    relay = start_relay(RELAY_ALLOWED_NETWORKS="127.0.0.0/8", RELAY_DATA=str(small_disk), RELAY_LEASE="3")
    path = publish(relay, sink.url)
    filler = small_disk.parent / "filler"

    with Stream(port(relay), path) as stream:
        _fill(filler)
        wait_until(lambda: stream.books.refused, what="ingest refuses")
        time.sleep(1.0)  # everybody meets the full disk
        filler.unlink()
        stream.wait_for(100)

    assert_all_is_well(relay, sink, stream.books, twice=2 * IN_HAND)
    assert not stream.books.cut
    assert set(stream.books.refused) <= {503, 507}


def _fill(path: Path) -> None:
    """Take all the room there is."""
    with path.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(4096))
