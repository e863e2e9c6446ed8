"""Implements `relay up`: starts all processes of Relay in order, and stops them in order."""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import functools
import os
import resource
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import IO

from relay import data_folder, logs, origins, valkey
from relay.data_folder import DataFolder
from relay.errors import SetupError
from relay.supervision import addresses, processes, reexec
from relay.supervision.children import set_process_name
from relay.supervision.supervisor import Supervisor

# How long a previous `relay up` may take to exit after a kill.
_LOCK_SECONDS = 3.0
_VALKEY_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Options:
    host: str
    port: int
    workers: int
    reload: bool = False


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = argparse.ArgumentParser("relay up", description="Start everything: Valkey, web, workers and upkeep.")
    parser.add_argument(
        "--host", default="127.0.0.1", help="address to listen at; 0.0.0.0 for all (default: 127.0.0.1)"
    )
    parser.add_argument("--port", type=int, default=8000, help="default: 8000; 0 for any free one")
    parser.add_argument("--workers", type=int, default=0, help="worker processes (default: one per core, at least two)")
    parser.add_argument("--reload", action="store_true", help="restart when a file of Relay changes")
    parser.add_argument("--data", metavar="FOLDER", help="the data folder (default: RELAY_DATA or ./data)")
    return parser


def parse(words: list[str]) -> Options:
    """Parse the command line; an invalid option exits with 2, as argparse does."""
    options = parser().parse_args(words)
    if options.workers < 0:
        parser().error("--workers is a number from 1")
    if not 0 <= options.port <= 65535:
        parser().error("--port is a number from 0 to 65535")
    return Options(options.host, options.port, options.workers or max(2, addresses.cores()), reload=options.reload)


def main(options: Options, folder: DataFolder) -> int:
    """Run until SIGINT or SIGTERM and return the exit code. Raises SetupError before anything is started."""
    embedded = not os.environ.get("REDIS_URL")
    if note := reexec.take_note():
        address = addresses.resolve(options.host)
        return _Up(folder, address, replace(options, port=note.port), embedded=embedded, lock=note.lock).resume(note)
    if embedded:
        folder.check_socket_path()
    folder.prepare()
    with _lock(folder) as lock:
        folder.check_writable()
        address = addresses.resolve(options.host)
        port = addresses.free_port(address, options.port)
        addresses.set_environment(os.environ, host=options.host, port=port)
        _write_addresses(folder)
        _allow_many_files()
        return _Up(folder, address, replace(options, port=port), embedded=embedded, lock=lock).run()


def _write_addresses(folder: DataFolder) -> None:
    """Write the origins of links and flows' URLs to files, for commands that run at the same time."""
    try:
        public = origins.public_url(os.environ["RELAY_PUBLIC_URL"])
        ingest = origins.ingest_url(os.environ.get("RELAY_INGEST_URL", ""), public_url=public)
        origins.served(public, os.environ.get("RELAY_HOSTS", "").split(","))
    except ValueError as error:
        raise SetupError(f"An environment variable is wrong: {error}") from None
    folder.public_url.write_text(f"{public}\n")
    folder.ingest_url.write_text(f"{ingest}\n")


class _Up:
    def __init__(self, folder: DataFolder, address: str, options: Options, *, embedded: bool, lock: int) -> None:
        self.folder, self.address, self.options, self.embedded, self.lock = folder, address, options, embedded, lock
        self.supervisor = Supervisor()

    def run(self) -> int:
        """Start in order; a signal during any wait stops Relay without an error."""
        try:
            self._start()
        finally:
            self.supervisor.stop(last=("valkey",))
        return 0

    def resume(self, note: reexec.Note) -> int:
        """Supervise the children that the previous program in this process has started."""
        set_process_name("")
        logs.configure(os.environ.get("RELAY_LOG_LEVEL", "INFO").upper())
        work = self._work_by_name()
        self.supervisor.children = [reexec.adopt(fields, work[fields["name"]]) for fields in note.children]
        try:
            self._supervise()
        finally:
            self.supervisor.stop(last=("valkey",))
        return 0

    def _start(self) -> None:
        if self.embedded:
            if not self._end_leftover_valkey():
                return
            self.supervisor.add("valkey", self._work_by_name()["valkey"])
        processes.preload()
        if self._run_once("prepare", processes.prepare) and self._wait_for_valkey():
            processes.log_settings()
            for name, work in self._work_by_name().items():
                if name != "valkey":
                    self.supervisor.add(name, work)
            self._watch()

    def _work_by_name(self) -> dict[str, Callable[[], None]]:
        """Return the work of each lasting child by its name, in start order."""
        web = functools.partial(processes.web, self.address, self.options.port)
        workers = {f"worker-{number}": processes.worker for number in range(1, self.options.workers + 1)}
        works: dict[str, Callable[[], None]] = {"web": web, **workers, "upkeep": processes.upkeep}
        lasting = {name: functools.partial(_preload_and_run, work) for name, work in works.items()}
        return {"valkey": functools.partial(valkey.execute, self.folder), **lasting}

    def _watch(self) -> None:
        host, port = addresses.reachable(self.address), self.options.port
        probe = functools.partial(processes.wait_until_ready, host, port, self.options.workers)
        if self._run_once("probe", probe):
            reexec.replace_process(self.lock, port, self.supervisor)
            self._supervise()

    def _supervise(self) -> None:
        self._say_ready()
        self.supervisor.supervise(lambda: False)

    def _say_ready(self) -> None:
        url = addresses.url(self.options.host, self.options.port)
        print(f"Relay is ready at {url}/", flush=True)
        if token := data_folder.read(self.folder.setup_token):
            print(f"Create the first account: {url}/setup/{token}/", flush=True)

    def _run_once(self, name: str, work: Callable[[], None]) -> bool:
        """Run `work` to its end in a child; False when asked to stop in the meantime."""
        child = self.supervisor.add(name, work, lasting=False)
        if not self.supervisor.supervise(lambda: child.code is not None):
            return False
        if child.code:
            sys.exit(child.code)  # the child printed the reason
        return True

    def _wait_for_valkey(self) -> bool:
        if not self.embedded:
            return True
        server = self.supervisor.children[0]
        end = time.monotonic() + _VALKEY_SECONDS

        def answers() -> bool:
            if server.code is not None:
                valkey.set_aside(self.folder)
            if time.monotonic() > end:
                raise SetupError(f"The embedded Valkey didn't start; {self.folder.valkey_log} says why.")
            return valkey.is_ready(self.folder)

        is_ready = self.supervisor.supervise(answers, every=0.02)
        valkey.forget_workers(self.folder)
        return is_ready

    def _end_leftover_valkey(self) -> bool:
        if not valkey.is_listening(self.folder):
            return True
        valkey.shut_down(self.folder)
        end = time.monotonic() + _VALKEY_SECONDS

        def has_ended() -> bool:
            if time.monotonic() > end:
                raise SetupError(
                    f"A Valkey of an earlier start still runs in {self.folder.path}; end it and try again."
                )
            return not valkey.is_listening(self.folder)

        return self.supervisor.supervise(has_ended, every=0.02)


def _preload_and_run(work: Callable[[], None]) -> None:
    """Import what a child needs, and do its work; a parent after reexec has none of these modules."""
    processes.preload()
    work()


@contextmanager
def _lock(folder: DataFolder) -> Iterator[int]:
    """Lock the folder with an open file; children hold the lock too, so that two generations never use it at once."""
    with folder.lock.open("a") as file:
        end = time.monotonic() + _LOCK_SECONDS
        while not _try_lock(file):
            if _is_alive(int(data_folder.read(folder.lock) or 0)) or time.monotonic() > end:
                raise SetupError(
                    f"Another `relay up` runs on the data folder {folder.path}. Choose another with --data."
                )
            time.sleep(0.05)
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        yield file.fileno()


def _try_lock(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return pid > 0


def _allow_many_files() -> None:
    """Raise the soft limit of open files to the hard one: every connection is an open file."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    # macOS reports an unlimited hard limit, and refuses to set it.
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
