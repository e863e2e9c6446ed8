"""Statements of the hot path: the same by SQLite's own connection and by Django's cursor."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, ProgrammingError, connection
from django.db.utils import OperationalError

from relay.engine import sql

pytestmark = pytest.mark.django_db(transaction=True)


def _lease(name: str) -> list[tuple[object, ...]]:
    return sql.fetch("SELECT name, holder, until, 7 %% 4 FROM relay_lease WHERE name = %s", (name,))


def _round() -> tuple[object, ...]:
    sql.insert("relay_lease", ("name", "holder", "until"), [("a", "100%", 1), ("b", "?", 2)])
    changed = sql.execute("UPDATE relay_lease SET until = until + %s WHERE name IN ('a', 'b')", (5,))
    found = (_lease("a"), _lease("b"), _lease("c"))
    removed = sql.execute("DELETE FROM relay_lease")
    return changed, found, removed


def test_both_ways_do_the_same(django_assert_num_queries) -> None:
    straight = _round()
    with django_assert_num_queries(6):
        watched = _round()

    assert straight == watched == (2, ([("a", "100%", 6, 3)], [("b", "?", 7, 3)], []), 2)


def test_errors_are_those_of_django() -> None:
    row = ("a", "x", 1)
    sql.insert("relay_lease", ("name", "holder", "until"), [row])

    with pytest.raises(IntegrityError):
        sql.insert("relay_lease", ("name", "holder", "until"), [row])
    with pytest.raises((OperationalError, ProgrammingError)):
        sql.fetch("SELECT nothing FROM nowhere")


def test_a_connection_that_was_dropped_is_opened_again() -> None:
    sql.disconnect()

    assert sql.fetch("SELECT %s + 1", (1,)) == [(2,)]
    assert connection.connection is not None
