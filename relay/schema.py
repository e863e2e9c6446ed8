"""Checks that the tables exist and match this version, and migrates them."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from relay.errors import SetupError


def migrate() -> None:
    """Apply pending migrations; only one process of a data folder at a time."""
    with _lock():
        if _has_pending():
            call_command("migrate", verbosity=0, interactive=False, skip_checks=True)


def require_current() -> None:
    """Create the tables of a new embedded database; raise SetupError if any other database isn't up to date."""
    if not _has_pending():
        return
    if not settings.SQLITE or "django_migrations" in connection.introspection.table_names():
        raise SetupError("The database isn't that of this version. Run `relay migrate`, or start `relay up` again.")
    migrate()


def _has_pending() -> bool:
    executor = MigrationExecutor(connection)
    return bool(executor.migration_plan(executor.loader.graph.leaf_nodes()))


@contextmanager
def _lock() -> Iterator[None]:
    with settings.DATA.schema_lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
