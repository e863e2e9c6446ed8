"""`relay up`: everything of Relay, started in order and stopped in order."""

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

from relay import datafolder, logs, valkey
from relay.datafolder import DataFolder
from relay.errors import SetupError
from relay.supervision import addresses, handover, roles
from relay.supervision.children import call_this
from relay.supervision.supervisor import Supervisor

# What a former `relay up` may take to be gone after a kill.
_LOCK_PATIENCE = 3.0
_VALKEY_PATIENCE = 30.0


@dataclass(frozen=True, slots=True)
class Options:
    host: str
    port: int
    workers: int


def parse(words: list[str]) -> Options:
    """The options of the command line; a wrong one ends the process with 2, as argparse does."""
    parser = argparse.ArgumentParser("relay up", description="Start everything: Valkey, web, workers and upkeep.")
    parser.add_argument(
        "--host", default="127.0.0.1", help="address to listen at; 0.0.0.0 for all (default: 127.0.0.1)"
    )
    parser.add_argument("--port", type=int, default=8000, help="default: 8000; 0 for any free one")
    parser.add_argument("--workers", type=int, default=0, help="worker processes (default: one per core, at least two)")
    parser.add_argument("--data", metavar="FOLDER", help="the data folder (default: RELAY_DATA or ./data)")
    options = parser.parse_args(words)
    if options.workers < 0:
        parser.error("--workers is a number from 1")
    if not 0 <= options.port <= 65535:
        parser.error("--port is a number from 0 to 65535")
    return Options(options.host, options.port, options.workers or max(2, addresses.cores()))


def main(options: Options, folder: DataFolder) -> int:
    """Run until SIGINT or SIGTERM; the exit code. Raises SetupError before anything is started."""
    embedded = not os.environ.get("REDIS_URL")
    if note := handover.taken_over():
        address = addresses.resolve(options.host)
        return _Up(folder, address, replace(options, port=note.port), embedded=embedded, lock=note.lock).go_on(note)
    if embedded:
        folder.check_socket_path()
    folder.prepare()
    with _lock(folder) as lock:
        folder.check_writable()
        address = addresses.resolve(options.host)
        port = addresses.free_port(address, options.port)
        addresses.tell_children(os.environ, host=options.host, port=port)
        folder.public_url.write_text(os.environ["RELAY_PUBLIC_URL"] + "\n")
        _allow_many_files()
        return _Up(folder, address, replace(options, port=port), embedded=embedded, lock=lock).run()


class _Up:
    def __init__(self, folder: DataFolder, address: str, options: Options, *, embedded: bool, lock: int) -> None:
        self.folder, self.address, self.options, self.embedded, self.lock = folder, address, options, embedded, lock
        self.supervisor = Supervisor()

    def run(self) -> int:
        """Start in order; at each wait a signal may ask to stop, which is no failure."""
        try:
            self._start()
        finally:
            self.supervisor.stop(last=("valkey",))
        return 0

    def go_on(self, note: handover.Note) -> int:
        """Watch what the program before this one in the process has started."""
        call_this("")
        logs.configure(os.environ.get("RELAY_LOG_LEVEL", "INFO").upper())
        work = self._works()
        self.supervisor.children = [handover.adopted(fields, work[fields["name"]]) for fields in note.children]
        try:
            self._last()
        finally:
            self.supervisor.stop(last=("valkey",))
        return 0

    def _start(self) -> None:
        if self.embedded:
            if not self._leftover_is_gone():
                return
            self.supervisor.add("valkey", self._works()["valkey"])
        roles.preload()
        if self._done("prepare", roles.prepare) and self._valkey_answers():
            roles.say_settings()
            for name, work in self._works().items():
                if name != "valkey":
                    self.supervisor.add(name, work)
            self._watch()

    def _works(self) -> dict[str, Callable[[], None]]:
        """What each lasting child does, by its name, in the order in which they are started."""
        web = functools.partial(roles.web, self.address, self.options.port)
        workers = {f"worker-{number}": roles.worker for number in range(1, self.options.workers + 1)}
        works: dict[str, Callable[[], None]] = {"web": web, **workers, "upkeep": roles.upkeep}
        lasting = {name: functools.partial(_loaded, work) for name, work in works.items()}
        return {"valkey": functools.partial(valkey.execute, self.folder), **lasting}

    def _watch(self) -> None:
        host, port = addresses.reachable(self.address), self.options.port
        probe = functools.partial(roles.wait_until_ready, host, port, self.options.workers)
        if self._done("probe", probe):
            handover.go_on(self.lock, port, self.supervisor)
            self._last()

    def _last(self) -> None:
        self._say_ready()
        self.supervisor.supervise(lambda: False)

    def _say_ready(self) -> None:
        url = addresses.url(self.options.host, self.options.port)
        print(f"Relay is ready at {url}/", flush=True)
        if token := datafolder.read(self.folder.setup_token):
            print(f"Create the first account: {url}/setup/{token}/", flush=True)

    def _done(self, name: str, work: Callable[[], None]) -> bool:
        """Run something to its end in a child of its own; False when asked to stop meanwhile."""
        child = self.supervisor.add(name, work, lasting=False)
        if not self.supervisor.supervise(lambda: child.code is not None):
            return False
        if child.code:
            sys.exit(child.code)  # it has said why
        return True

    def _valkey_answers(self) -> bool:
        if not self.embedded:
            return True
        server = self.supervisor.children[0]
        end = time.monotonic() + _VALKEY_PATIENCE

        def answers() -> bool:
            if server.code is not None:
                valkey.set_aside(self.folder)
            if time.monotonic() > end:
                raise SetupError(f"The embedded Valkey didn't start; {self.folder.valkey_log} says why.")
            return valkey.answers(self.folder)

        going_on = self.supervisor.supervise(answers, every=0.02)
        valkey.forget_workers(self.folder)
        return going_on

    def _leftover_is_gone(self) -> bool:
        if not valkey.is_there(self.folder):
            return True
        valkey.shut_down(self.folder)
        end = time.monotonic() + _VALKEY_PATIENCE

        def gone() -> bool:
            if time.monotonic() > end:
                raise SetupError(
                    f"A Valkey of an earlier start still runs in {self.folder.path}; end it and try again."
                )
            return not valkey.is_there(self.folder)

        return self.supervisor.supervise(gone, every=0.02)


def _loaded(work: Callable[[], None]) -> None:
    """Do the work of a child with all that it needs; a parent that has handed over has nothing of it."""
    roles.preload()
    work()


@contextmanager
def _lock(folder: DataFolder) -> Iterator[int]:
    """Hold the folder by an open file; children hold it too, so that two generations never work on it at once."""
    with folder.lock.open("a") as file:
        end = time.monotonic() + _LOCK_PATIENCE
        while not _locked(file):
            if _lives(int(datafolder.read(folder.lock) or 0)) or time.monotonic() > end:
                raise SetupError(
                    f"Another `relay up` runs on the data folder {folder.path}. Choose another with --data."
                )
            time.sleep(0.05)
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        yield file.fileno()


def _locked(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return pid > 0


def _allow_many_files() -> None:
    """Raise the soft limit of open files to the hard one: every connection is one."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    # macOS calls its hard limit unlimited, and refuses it.
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
