"""Tests that statements do the same on SQLite's own connection and on Django's cursor."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.db import IntegrityError, ProgrammingError, connection
from django.db.utils import OperationalError

from relay.engine.database import statements

pytestmark = pytest.mark.django_db(transaction=True)


def _lease(name: str) -> list[tuple[object, ...]]:
    return statements.fetch("SELECT name, holder, until, 7 %% 4 FROM relay_lease WHERE name = %s", (name,))


def _round() -> tuple[object, ...]:
    statements.insert("relay_lease", ("name", "holder", "until"), [("a", "100%", 1), ("b", "?", 2)])
    changed = statements.execute("UPDATE relay_lease SET until = until + %s WHERE name IN ('a', 'b')", (5,))
    found = (_lease("a"), _lease("b"), _lease("c"))
    removed = statements.execute("DELETE FROM relay_lease")
    return changed, found, removed


def test_both_ways_do_the_same(django_assert_num_queries) -> None:
    straight = _round()
    with django_assert_num_queries(6):
        watched = _round()

    assert straight == watched == (2, ([("a", "100%", 6, 3)], [("b", "?", 7, 3)], []), 2)


def test_errors_are_those_of_django() -> None:
    row = ("a", "x", 1)
    statements.insert("relay_lease", ("name", "holder", "until"), [row])

    with pytest.raises(IntegrityError):
        statements.insert("relay_lease", ("name", "holder", "until"), [row])
    with pytest.raises((OperationalError, ProgrammingError)):
        statements.fetch("SELECT nothing FROM nowhere")


def test_a_connection_that_was_dropped_is_opened_again() -> None:
    statements.disconnect()

    assert statements.fetch("SELECT %s + 1", (1,)) == [(2,)]
    assert connection.connection is not None


LEVELS = """
from relay.supervision import processes
processes.set_up_django()
from relay.engine.database import statements
print(*statements.fetch("PRAGMA synchronous")[0])
statements.lower_durability()
print(*statements.fetch("PRAGMA synchronous")[0])
"""


def test_commits_reach_the_disk_unless_a_worker_lowers_it(tmp_path: Path) -> None:
    """Runs in its own process, since the tests turn durability off."""
    environment = {**os.environ, "RELAY_DATA": str(tmp_path), "DATABASE_URL": ""}

    told = subprocess.run([sys.executable, "-c", LEVELS], env=environment, capture_output=True, text=True, check=True)

    full, normal = 2, 1
    assert told.stdout.split() == [str(full), str(normal)]
