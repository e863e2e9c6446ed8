"""Real processes for tests: a Valkey, and a whole `relay up`."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import selectors
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from relay import valkey
from relay.data_folder import DataFolder

SHOULD_BE_READY = 60.0  # seconds; a machine may be busy
ROOT = Path(__file__).parents[2]
THIS = (sys.executable, "-m", "relay")
EMAIL = "ada@example.com"
PASSWORD = "correct horse battery"


def environment(data: Path, settings: Mapping[str, str] | None = None) -> dict[str, str]:
    """This process's environment without its own Relay settings, and with these."""
    own = ("SECRET_KEY", "REDIS_URL", "DATABASE_URL")
    rest = {name: value for name, value in os.environ.items() if name not in own and not name.startswith("RELAY_")}
    return {**rest, "RELAY_DATA": str(data), **(settings or {})}


def wait_until(holds: Callable[[], Any], *, seconds: float = 20.0, what: str = "") -> Any:
    """Return what `holds` returns, as soon as it is true; AssertionError after a number of seconds."""
    end = time.monotonic() + seconds
    while not (value := holds()):
        assert time.monotonic() < end, f"not within {seconds} s: {what or holds}"
        time.sleep(0.02)
    return value


def is_running(pid: int) -> bool:
    """Whether a process runs; one that has ended and waits for its parent's look doesn't."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


class Valkey:
    """The wheel's server on a data folder's socket, as `relay up` runs it."""

    def __init__(self, folder: DataFolder) -> None:
        self.folder = folder
        self.process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Start it where it doesn't run."""
        if self.process is None:
            self.process = subprocess.Popen(valkey.arguments(self.folder))
            wait_until(lambda: valkey.is_ready(self.folder), what="Valkey answers")

    def stop(self) -> None:
        """End it, as a crash would."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None


class Commands:
    """Runs `relay` commands in an environment, each in a fork of one process (`command_server`)."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self.env = dict(env)
        command = [sys.executable, "-m", "tests.support.command_server"]
        self._server = subprocess.Popen(command, env=self.env, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def run(self, words: Sequence[str], given: str) -> subprocess.CompletedProcess[str]:
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        self._server.stdin.write(json.dumps({"words": list(words), "given": given}).encode() + b"\n")
        self._server.stdin.flush()
        with selectors.DefaultSelector() as selector:
            selector.register(self._server.stdout, selectors.EVENT_READ)
            assert selector.select(SHOULD_BE_READY), f"no answer within {SHOULD_BE_READY} s to {words}"
        answer = json.loads(self._server.stdout.readline())
        return subprocess.CompletedProcess(words, answer["code"], answer["out"], answer["err"])

    def close(self) -> None:
        self._server.kill()
        self._server.communicate()


class Relay:
    """One `relay up` on a free port, started and stopped as a person would. `program`: the command `relay`."""

    def __init__(self, program: Sequence[str] = THIS, **settings: str) -> None:
        self.program = tuple(program)
        # Short, whatever pytest's own folders are called: a socket's path must fit in some hundred bytes.
        self.folder = Path(settings.get("RELAY_DATA") or f"{tempfile.mkdtemp(prefix='relay-up-')}/data")
        self.env = environment(self.folder, settings)
        self.process: subprocess.Popen[bytes] | None = None
        self.url = ""
        self.setup_url = ""
        self._commands: Commands | None = None

    def with_account(self, prepared: Path) -> Self:
        """Give it the data folder that `prepared_folder` made, in which `EMAIL` is the owner."""
        shutil.copytree(prepared, self.folder, dirs_exist_ok=True)
        return self

    def start(self, *words: str) -> Self:
        """Start and wait for the ready lines. `words` are further options."""
        self.end()
        self._forget_commands()
        command = [*self.program, "up", "--port", "0", "--workers", "2", *words]
        with (self.folder.parent / "up.log").open("a") as log:
            self.process = subprocess.Popen(command, env=self.env, stdout=subprocess.PIPE, stderr=log, bufsize=0)
        try:
            self.url = self._line("Relay is ready at ").rstrip("/")
        except BaseException:
            self.end()
            raise
        self.setup_url = ""
        if (self.folder / "setup.token").exists():
            self.setup_url = self._line("Create the first account: ")
        return self

    @property
    def log(self) -> str:
        return (self.folder.parent / "up.log").read_text()

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def children(self) -> dict[str, int]:
        """Process ids by what they are, as the kernel and the log know them."""
        words = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
        found = {}
        for word in words:
            with contextlib.suppress(OSError):  # it has ended meanwhile
                found[f"{Path(f'/proc/{word}/comm').read_text().strip()}-{word}"] = int(word)
        return found

    def command(self, *words: str, given: str = "", code: int = 0) -> str:
        """What a command prints, run on the same data folder; it must end with `code`."""
        done = self.run(words, given=given)
        assert done.returncode == code, done.stderr
        return done.stdout

    def run(self, words: Sequence[str], *, given: str = "") -> subprocess.CompletedProcess[str]:
        if self.program == THIS:
            if self._commands is None or self._commands.env != self.env:
                self._forget_commands()
                self._commands = Commands(self.env)
            return self._commands.run(words, given)
        command = [*self.program, *words]
        return subprocess.run(command, env=self.env, input=given, capture_output=True, text=True, timeout=60)

    def json(self, *words: str, given: str = "") -> Any:
        """The JSON that a command prints."""
        return json.loads(self.command(*words, given=given))

    def stop(self, number: signal.Signals = signal.SIGINT) -> int:
        """Ask it to stop, as Ctrl-C does; its exit code."""
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(40)

    def kill(self) -> None:
        """End it without a word, as a crash would; its children go with it."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def end(self) -> None:
        """Whatever state it is in, it's gone after this."""
        if self.process is None:
            return
        if self.process.poll() is None:
            try:
                self.stop()
            except subprocess.TimeoutExpired:
                self.kill()
        if self.process.stdout is not None:
            self.process.stdout.close()
        self.process = None

    def remove(self) -> None:
        """End it and leave nothing of it."""
        self.end()
        self._forget_commands()
        shutil.rmtree(self.folder.parent, ignore_errors=True)

    def _forget_commands(self) -> None:
        """Let the next command see another environment, and other URLs."""
        if self._commands is not None:
            self._commands.close()
            self._commands = None

    def _line(self, start: str) -> str:
        """The rest of the next line of standard output, which must begin so."""
        assert self.process is not None
        assert self.process.stdout is not None
        with selectors.DefaultSelector() as selector:
            selector.register(self.process.stdout, selectors.EVENT_READ)
            assert selector.select(SHOULD_BE_READY), f"no line within {SHOULD_BE_READY} s: {self.log}"
        line = self.process.stdout.readline().decode().strip()
        assert line.startswith(start), f"{line!r}, not {start!r}: {self.log}"
        return line.removeprefix(start)


def prepared_folder(path: Path) -> Path:
    """A data folder with all tables, and the account `EMAIL` with `PASSWORD`; the first process that asks makes it."""
    with (path.parent / f"{path.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not path.exists():
            path.mkdir(mode=0o700)
            command = [sys.executable, "-m", "relay", "user", "add", EMAIL]
            subprocess.run(command, env=environment(path), input=PASSWORD, text=True, check=True, capture_output=True)
    return path
