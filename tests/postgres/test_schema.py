"""The migrations on PostgreSQL: they apply and reverse, and the indexes of runs are partial."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.postgres.conftest import Hosts

pytestmark = pytest.mark.postgres

# Written only for runs that are under way or held, however many have ended.
PARTIAL = {"run_due", "run_replay", "run_destination", "run_order", "run_flow_due", "run_held", "run_batch"}


def test_migrations_apply_and_can_be_taken_back(hosts: Hosts, fetch: Callable[[str], list[tuple[str, ...]]]) -> None:
    relay = hosts.relay()

    relay.command("migrate")
    indexes = dict(fetch("SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 'relay_run'"))
    relay.command("migrate", "relay", "zero")

    assert {name for name, definition in indexes.items() if " WHERE " in definition} >= PARTIAL
    assert fetch("SELECT tablename FROM pg_tables WHERE tablename LIKE 'relay_%'") == []
    relay.remove()
