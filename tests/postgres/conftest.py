"""A PostgreSQL, a new database for each test, and processes as on several hosts."""

from __future__ import annotations

import secrets
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from relay import vault
from tests.bench.__main__ import free_port
from tests.chaos.stream import Sink
from tests.conftest import FOLDER
from tests.support.postgresql import Postgres
from tests.support.running import Relay, Valkey, environment, wait_until


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    folder = Path(tempfile.mkdtemp(prefix="relay-pg-"))
    server = Postgres(folder)
    yield server
    server.stop()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def database(postgres: Postgres) -> str:
    """The URL of an empty database."""
    return postgres.create()


@pytest.fixture
def sink() -> Iterator[Sink]:
    with Sink() as running:
        yield running


class Hosts:
    """Processes of Relay that share a database and a Valkey, and nothing else: each has a data folder of its own."""

    def __init__(self, database: str, redis: str) -> None:
        self._root = Path(tempfile.mkdtemp(prefix="relay-hosts-"))
        self._shared = {
            "DATABASE_URL": database,
            "REDIS_URL": redis,
            "SECRET_KEY": secrets.token_hex(24),
            "RELAY_VAULT_KEYS": vault.new_key(),
            "RELAY_ALLOWED_NETWORKS": "127.0.0.0/8",
            "RELAY_LEASE": "3",
        }
        self.running: list[subprocess.Popen[bytes]] = []

    def relay(self) -> Relay:
        """The commands of one host, where nothing runs."""
        return Relay(**self._shared)

    def start(self, *words: str) -> subprocess.Popen[bytes]:
        """`relay web`, `relay worker`... on a host of its own."""
        folder = self._root / f"host{len(self.running)}"
        command = [sys.executable, "-m", "relay", *words]
        with (self._root / "log").open("a") as log:
            process = subprocess.Popen(command, env=environment(folder, self._shared), stdout=log, stderr=log)
        self.running.append(process)
        return process

    def serve(self, kind: str) -> int:
        """Start `relay web` or `relay ingest`; its port, when it answers."""
        from relay.supervision.processes import is_healthy

        port = free_port()
        self.start(kind, "--port", str(port))
        wait_until(lambda: is_healthy("127.0.0.1", port), seconds=40, what=f"{kind} answers")
        return port

    def folders(self) -> list[Path]:
        """The data folders of what was started."""
        return sorted(self._root.glob("host*"))

    @property
    def log(self) -> str:
        return (self._root / "log").read_text()

    def end(self) -> None:
        for process in self.running:
            process.kill()
            process.wait()
        shutil.rmtree(self._root, ignore_errors=True)


@pytest.fixture
def hosts(database: str, valkey: Valkey) -> Iterator[Hosts]:
    hosts = Hosts(database, f"unix://{FOLDER.socket}")
    yield hosts
    hosts.end()


@pytest.fixture
def fetch(database: str) -> Callable[[str], list[tuple[Any, ...]]]:
    """Rows of the test's database."""

    def rows(statement: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(database) as connection:
            return connection.execute(statement).fetchall()

    return rows
