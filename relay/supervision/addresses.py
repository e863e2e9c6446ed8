"""The address that `relay up` listens at, and how people and children are told of it."""

from __future__ import annotations

import contextlib
import errno
import os
import socket
from collections.abc import MutableMapping

from relay.errors import SetupError

_ANYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 # nosec B104 - told apart, not bound
# Reserved for documentation: choosing a route to it names our own address and sends nothing.
_NOWHERE = ("192.0.2.1", 9)


def resolve(host: str) -> str:
    """The IP address to listen at."""
    try:
        return str(socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)[0][4][0])
    except (OSError, UnicodeError) as error:
        raise SetupError(f"The host {host} is no address of this machine. Choose another with --host.") from error


def free_port(address: str, port: int) -> int:
    """The port, checked to be free (0: any free one); raise SetupError where another program has it."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family) as probe:
        # Set as servers set it, or a port would look taken for a minute after the last connection.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
            probe.listen(1)
        except OSError as error:
            raise SetupError(_refusal(address, port, error)) from error
        return int(probe.getsockname()[1])


def _refusal(address: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"Port {port} is taken by another program. Choose another with --port."
    if error.errno == errno.EADDRNOTAVAIL:
        return f"The host {address} is no address of this machine. Choose another with --host."
    return f"Relay can't listen at {address} port {port}: {error.strerror}. Choose others with --host and --port."


def reachable(host: str) -> str:
    """The host that this machine itself can call."""
    return _ANYWHERE.get(host, host)


def url(host: str, port: int) -> str:
    """`http://127.0.0.1:8000`, as people open it."""
    name = reachable(host)
    return f"http://[{name}]:{port}" if ":" in name else f"http://{name}:{port}"


def tell_children(environment: MutableMapping[str, str], *, host: str, port: int) -> None:
    """Set RELAY_PUBLIC_URL where it isn't, and add this machine's names to RELAY_HOSTS when all may call."""
    environment.setdefault("RELAY_PUBLIC_URL", url(host, port))
    names = own_names() if host in _ANYWHERE else [f"[{host}]"] if ":" in host else []
    known = [name for name in environment.get("RELAY_HOSTS", "").split(",") if name]
    if names:
        environment["RELAY_HOSTS"] = ",".join(dict.fromkeys([*known, *names]))


def own_names() -> list[str]:
    """The host name and addresses by which others call this machine."""
    name = socket.gethostname()
    found = [name.lower()]
    with contextlib.suppress(OSError):
        found += [str(place[4][0]) for place in socket.getaddrinfo(name, None, socket.AF_INET)]
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(_NOWHERE)
        found.append(str(probe.getsockname()[0]))
    return list(dict.fromkeys(filter(None, found)))


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
