"""Pages take PostgreSQL connections from a pool, even with many requests at once."""

from __future__ import annotations

import urllib.request
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.postgres.conftest import Hosts

pytestmark = pytest.mark.postgres

# The pool's size; ingest's connection and that of /health/ come from it too.
MOST = 8


def test_many_pages_at_once_share_few_connections(hosts: Hosts, fetch: Callable[[str], list[tuple[Any, ...]]]) -> None:
    relay = hosts.relay()
    relay.command("migrate")
    relay.command("user", "add", "ann@example.com", given="correct horse battery\n")
    port = hosts.serve("web")

    def page(_: int) -> int:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=30) as answer:
            return int(answer.status)

    with ThreadPoolExecutor(16) as threads:
        statuses = set(threads.map(page, range(120)))

    others = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    assert statuses == {200}
    assert 1 <= fetch(others)[0][0] <= MOST
    relay.remove()
