"""Tests that the writers of a SQLite database are serialized by a lock file."""

from __future__ import annotations

import fcntl
import os
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pytest
from django.db import connection

from relay.engine.database import statements, write_lock
from relay.models import Workspace
from tests.support.running import wait_until

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif("RELAY_TEST_DATABASE_URL" in os.environ, reason="PostgreSQL needs none"),
]


@pytest.fixture
def held() -> Iterator[IO[bytes]]:
    """Hold the lock as another process that writes does."""
    with Path(f"{connection.settings_dict['NAME']}-turn").open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield file


def _write() -> None:
    with write_lock.write_transaction():
        Workspace.objects.create(name="written")
    connection.close()


def test_a_writer_waits_for_its_turn(held: IO[bytes]) -> None:
    writer = threading.Thread(target=_write)

    writer.start()
    wait_until(lambda: sys._current_frames()[writer.ident].f_code.co_name == "_acquire")
    before = Workspace.objects.count()
    fcntl.flock(held, fcntl.LOCK_UN)
    writer.join(timeout=10)

    assert (before, Workspace.objects.count()) == (0, 1)


def test_writers_continue_if_the_holder_is_suspended(held: IO[bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(write_lock, "MAX_WAIT_SECONDS", 0.01)

    _write()

    assert Workspace.objects.count() == 1


def test_a_turn_ends_with_its_transaction(workspace: Workspace) -> None:
    with pytest.raises(ZeroDivisionError), write_lock.write_transaction():
        statements.execute("UPDATE relay_workspace SET name = 'half' WHERE id = %s", (workspace.pk,))
        _ = 1 / 0

    with write_lock.write_transaction(), write_lock.write_transaction():
        Workspace.objects.create(name="whole")
    with Path(f"{connection.settings_dict['NAME']}-turn").open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)

    assert set(Workspace.objects.values_list("name", flat=True)) == {"Acme", "whole"}
