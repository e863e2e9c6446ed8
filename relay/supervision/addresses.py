"""Chooses the address that `relay up` listens at, and passes it on to its child processes."""

from __future__ import annotations

import contextlib
import errno
import os
import socket
from collections.abc import MutableMapping

from relay import origins
from relay.errors import SetupError

_ALL_ADDRESSES = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 # nosec B104 - compared, not bound
# Reserved for documentation: a UDP connection to it reveals this machine's address and sends nothing.
_DOCUMENTATION_ADDRESS = ("192.0.2.1", 9)


def resolve(host: str) -> str:
    """Return the IP address to listen at."""
    try:
        return str(socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)[0][4][0])
    except (OSError, UnicodeError) as error:
        raise SetupError(f"The host {host} is no address of this machine. Choose another with --host.") from error


def free_port(address: str, port: int) -> int:
    """Return the port if it is free (0: any free one); raise SetupError if another program uses it."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family) as probe:
        # Set as servers set it: otherwise a port looks used for a minute after its last connection.
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
    """Return a host under which this machine can call the server."""
    return _ALL_ADDRESSES.get(host, host)


def url(host: str, port: int) -> str:
    """Return the URL of the pages, `http://127.0.0.1:8000`."""
    name = reachable(host)
    return f"http://[{name}]:{port}" if ":" in name else f"http://{name}:{port}"


def set_environment(environment: MutableMapping[str, str], *, host: str, port: int) -> None:
    """Set RELAY_PUBLIC_URL if it is empty, and extend RELAY_HOSTS by this machine's names if it listens everywhere."""
    environment["RELAY_PUBLIC_URL"] = environment.get("RELAY_PUBLIC_URL", "").strip() or url(host, port)
    names = (
        [name for name in own_names() if _is_host(name)]
        if host in _ALL_ADDRESSES
        else [f"[{host}]"]
        if ":" in host
        else []
    )
    known = [name for name in environment.get("RELAY_HOSTS", "").split(",") if name]
    if names:
        environment["RELAY_HOSTS"] = ",".join(dict.fromkeys([*known, *names]))


def _is_host(name: str) -> bool:
    """Return whether a name of this machine is a valid host: a machine may have any name."""
    try:
        origins.host_pattern(name)
    except ValueError:
        return False
    return True


def own_names() -> list[str]:
    """Return the host name and addresses by which others can call this machine."""
    name = socket.gethostname()
    names = [name.lower()]
    with contextlib.suppress(OSError):
        names += [str(info[4][0]) for info in socket.getaddrinfo(name, None, socket.AF_INET)]
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(_DOCUMENTATION_ADDRESS)
        names.append(str(probe.getsockname()[0]))
    return list(dict.fromkeys(filter(None, names)))


def cores() -> int:
    """Return the number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
