"""The tables: are they there, are they those of this Relay, and bring them up to date."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from relay.errors import SetupError


def bring_up_to_date() -> None:
    """Migrate where something is pending; only one process of a data folder at a time."""
    with _only_one():
        if _pending():
            call_command("migrate", verbosity=0, interactive=False, skip_checks=True)


def require_current() -> None:
    """Make the tables of a new embedded database; raise SetupError where another one isn't up to date."""
    if not _pending():
        return
    if not settings.SQLITE or "django_migrations" in connection.introspection.table_names():
        raise SetupError("The database isn't that of this version. Run `relay migrate`, or start `relay up` again.")
    bring_up_to_date()


def _pending() -> bool:
    executor = MigrationExecutor(connection)
    return bool(executor.migration_plan(executor.loader.graph.leaf_nodes()))


@contextmanager
def _only_one() -> Iterator[None]:
    with settings.DATA.schema_lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
