"""Tests that a thread copies SQLite's write-ahead log and restarts it, so that it doesn't grow without bound."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from django.conf import settings
from django.db import OperationalError, connection

from relay.engine.database import statements, write_lock
from relay.engine.upkeep import checkpoints
from relay.engine.upkeep.checkpoints import Checkpoints
from relay.models import Event, Flow, Workspace
from tests.engine.conftest import posting
from tests.support.running import wait_until

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif("RELAY_TEST_DATABASE_URL" in os.environ, reason="PostgreSQL checkpoints by itself"),
]

MEGABYTE = 1024 * 1024
BODY = bytes(MEGABYTE)


@pytest.fixture
def flow(live) -> Flow:
    """A flow, with everything copied into the database and an empty log."""
    made: Flow = live(posting("http://example.com/"))
    checkpoints.checkpoint("TRUNCATE")
    return made


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch, settings) -> None:
    """Restart the log at 4 MB."""
    settings.LOG_BYTES = MEGABYTE
    monkeypatch.setattr(checkpoints, "RESTART_BYTES", 4 * MEGABYTE)


@pytest.fixture
def reader() -> Iterator[sqlite3.Connection]:
    """Another connection, which can hold a read transaction."""
    with closing(sqlite3.connect(connection.settings_dict["NAME"], isolation_level=None)) as opened:
        yield opened


def file(suffix: str) -> Path:
    return Path(f"{connection.settings_dict['NAME']}{suffix}")


def beginning() -> bytes:
    """The salt in the log's header, which changes each time that the log restarts."""
    return file("-wal").read_bytes()[16:24]


def write(flow: Flow, megabytes: int, arrive) -> None:
    for _ in range(megabytes):
        arrive(flow, BODY)


def test_no_commit_makes_a_checkpoint(flow: Flow, arrive) -> None:
    before = file("").stat()

    write(flow, 80, arrive)

    after = file("").stat()
    assert (after.st_size, after.st_mtime_ns) == (before.st_size, before.st_mtime_ns)
    assert file("-wal").stat().st_size > 80 * MEGABYTE


def test_where_nobody_else_does_it_every_connection_makes_one_of_a_log_that_is_too_long(db: None) -> None:
    pages = statements.fetch("PRAGMA wal_autocheckpoint")[0][0]

    assert 16_000 < pages == settings.LOG_MOST_PAGES
    assert pages * 4096 > checkpoints.RESTART_BYTES > settings.LOG_BYTES


def test_a_log_that_has_grown_is_copied_at_once_and_begins_again(flow: Flow, arrive, small: None) -> None:
    looker = Checkpoints()
    looker.poll()
    arrive(flow)
    first = beginning()
    write(flow, 3, arrive)

    looker.poll()
    copied = file("").stat().st_size
    arrive(flow)

    assert copied > 3 * MEGABYTE
    assert beginning() != first
    assert file("-wal").stat().st_size <= 4 * MEGABYTE


def test_nothing_is_done_again_where_nothing_was_written(flow: Flow, arrive, small: None, monkeypatch) -> None:
    monkeypatch.setattr(checkpoints, "EVERY", 3600.0)
    looker, made = Checkpoints(), []
    write(flow, 2, arrive)
    looker.poll()
    checkpoint = checkpoints.checkpoint
    monkeypatch.setattr(checkpoints, "checkpoint", lambda mode: made.append(mode) or checkpoint(mode))

    looker.poll()
    nothing = list(made)
    arrive(flow)
    write(flow, 2, arrive)
    looker.poll()

    assert (nothing, made) == ([], ["PASSIVE"])


def test_a_log_that_is_written_all_the_time_stays_short(flow: Flow, arrive, small: None) -> None:
    stop, begun, sizes = threading.Event(), {beginning_or_none()}, [0]
    keeper = checkpoints.start(stop)

    def more() -> bool:
        arrive(flow, BODY)
        begun.add(beginning())
        sizes.append(file("-wal").stat().st_size)
        return len(begun) > 5

    wait_until(more, what="the log has begun again five times")
    stop.set()
    keeper.join()

    assert max(sizes) < settings.LOG_MOST_PAGES * 4096
    assert Event.objects.count() == len(sizes) - 1


def beginning_or_none() -> bytes:
    return beginning() if file("-wal").exists() else b""


def test_a_reader_holds_the_log_but_no_writer(
    flow: Flow, arrive, small: None, reader: sqlite3.Connection, monkeypatch, caplog
) -> None:
    monkeypatch.setattr(checkpoints, "RETRY_SECONDS", 0.0)
    monkeypatch.setattr(checkpoints, "RESTART_WAIT", 1)
    looker = Checkpoints()
    arrive(flow)
    reader.execute("BEGIN")
    seen = reader.execute("SELECT count(*) FROM relay_event").fetchone()
    first = beginning()
    write(flow, 6, arrive)

    looker.poll()
    write(flow, 2, arrive)
    held = (beginning(), reader.execute("SELECT count(*) FROM relay_event").fetchone())
    reader.execute("COMMIT")
    looker.poll()
    arrive(flow)

    assert held == (first, seen)
    assert beginning() != first
    assert Event.objects.count() == 10


def test_a_reader_that_stays_is_waited_for_only_now_and_then(
    flow: Flow, arrive, small: None, reader: sqlite3.Connection, monkeypatch
) -> None:
    monkeypatch.setattr(checkpoints, "RESTART_WAIT", 1)
    looker, made, checkpoint = Checkpoints(), [], checkpoints.checkpoint
    monkeypatch.setattr(checkpoints, "checkpoint", lambda mode: made.append(mode) or checkpoint(mode))
    arrive(flow)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM relay_event").fetchone()

    for _ in range(3):
        write(flow, 5, arrive)
        looker.poll()

    assert made.count("RESTART") == 1


def test_writers_that_take_turns_wait_at_theirs(flow: Flow, arrive, small: None, monkeypatch) -> None:
    """Writers that find SQLite's lock taken would sleep for increasing times."""
    turned, checkpoint = [], checkpoints.checkpoint
    monkeypatch.setattr(
        checkpoints, "checkpoint", lambda mode: turned.append((mode, write_lock._lock.locked())) or checkpoint(mode)
    )
    write(flow, 5, arrive)

    Checkpoints().poll()

    assert dict(turned) == {"PASSIVE": False, "RESTART": True}


def test_whatever_breaks_a_checkpoint_the_next_one_is_made(flow: Flow, arrive, small: None, monkeypatch) -> None:
    monkeypatch.setattr(checkpoints, "EVERY", 0.0)
    broken, poll = [KeyError("nobody thought of it"), OperationalError("disk I/O error")], Checkpoints.poll

    def polls(self: Checkpoints) -> None:
        if broken:
            raise broken.pop()
        poll(self)

    monkeypatch.setattr(Checkpoints, "poll", polls)
    stop = threading.Event()
    before = file("").stat().st_mtime_ns
    write(flow, 2, arrive)

    keeper = checkpoints.start(stop)
    wait_until(lambda: file("").stat().st_mtime_ns != before, what="the log is copied")
    stop.set()
    keeper.join()

    assert broken == []


def test_a_database_in_memory_has_no_log(workspace: Workspace, monkeypatch) -> None:
    monkeypatch.setitem(connection.settings_dict, "NAME", "file:memorydb?mode=memory")

    assert checkpoints._stat() == (0, 0)
