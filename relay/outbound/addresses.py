"""Decides which addresses a flow may call, by a table of its own."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Sequence
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)

from relay.errors import SetupError

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

# IANA's special-purpose registries, and addresses that Python's is_global and is_private classify wrongly.
_CLOSED_IPV4 = tuple(
    map(
        IPv4Network,
        (
            "0.0.0.0/8",  # this host
            "10.0.0.0/8",
            "100.64.0.0/10",  # carrier-grade NAT
            "127.0.0.0/8",
            "168.63.129.16/32",  # Azure's platform agent: public by every other table
            "169.254.0.0/16",
            "172.16.0.0/12",
            "192.0.0.0/24",
            "192.0.2.0/24",  # documentation, like the two TEST-NETs below
            "192.88.99.0/24",  # 6to4 relays
            "192.168.0.0/16",
            "198.18.0.0/15",  # benchmarks
            "198.51.100.0/24",
            "203.0.113.0/24",
            "224.0.0.0/4",
            "240.0.0.0/4",
        ),
    )
)
_GLOBAL_IPV6 = IPv6Network("2000::/3")
_CLOSED_IPV6 = tuple(
    map(
        IPv6Network,
        (
            "2001::/23",  # protocols: Teredo, ORCHID, benchmarks
            "2001:db8::/32",
            "2002::/16",  # 6to4
            "3fff::/20",  # documentation
        ),
    )
)
_METADATA: tuple[Network, ...] = tuple(
    map(
        ip_network,
        (
            "100.100.100.200/32",  # Alibaba
            "168.63.129.16/32",  # Azure
            "169.254.0.23/32",  # Tencent
            "169.254.42.42/32",  # Scaleway
            "169.254.169.250/32",  # Rancher
            "169.254.169.254/32",  # nearly all
            "169.254.170.2/32",  # Amazon ECS
            "169.254.170.23/32",  # Amazon EKS
            "192.0.0.192/32",  # Oracle
            "fd00:ec2::23/128",
            "fd00:ec2::254/128",
            "fd00:42::42/128",  # Scaleway
            "fd20:ce::254/128",  # Google
            "fe80::a9fe:a9fe/128",  # OpenStack
        ),
    )
)
_METADATA_NAMES = frozenset(
    {
        "instance-data.ec2.internal",
        "metadata.goog",
        "metadata.google.internal",
        "metadata.tencentyun.com",
    }
)

_MAPPED = IPv6Network("::ffff:0:0/96")
_NAT64 = IPv6Network("64:ff9b::/96")
_LOW_32 = (
    IPv6Network("::/96"),  # compatible
    _MAPPED,
    IPv6Network("::ffff:0:0:0/96"),  # SIIT
    _NAT64,
    IPv6Network("64:ff9b:1::/48"),  # local NAT64, as a /96 of it
)
_NAT64_LOCAL = IPv6Network("64:ff9b:1::/48")
_6TO4 = IPv6Network("2002::/16")
_TEREDO = IPv6Network("2001::/32")
_ELSEWHERE = {socket.AF_INET: "192.0.2.1", socket.AF_INET6: "2001:db8::1"}  # documentation: no machine's
OWN = "leads to the machine that Relay runs on; allow its address with RELAY_ALLOWED_NETWORKS if this is meant"
_METADATA_OBJECTION = "leads to the cloud platform's own address, which Relay doesn't call"


class AddressGuard:
    """Decides which addresses may be called. `allowed`: networks allowed in addition to public addresses."""

    def __init__(self, allowed: Sequence[str]) -> None:
        self._allowed = tuple(_network(text) for text in allowed)
        self._shut_names = frozenset() if set(_METADATA) & set(self._allowed) else _METADATA_NAMES

    def is_shut_name(self, host: str) -> bool:
        """Whether `host` is the name of a cloud's metadata service, whatever its addresses are."""
        return host in self._shut_names

    def objection(self, text: str) -> str | None:
        """Why the address `text` may not be called, as the end of a sentence; None if it may."""
        if self.is_shut_name(text):
            return _METADATA_OBJECTION
        try:
            address = ip_address(text)
        except ValueError:
            return "leads to an address that can't be called"
        if any(self._is_shut_metadata(form) for form in _forms(address)):
            return _METADATA_OBJECTION
        if _is_public(address) or self._is_allowed(address):
            return None
        return "leads to a private or reserved address; allow it with RELAY_ALLOWED_NETWORKS if this is meant"

    def is_own(self, text: str) -> bool:
        """Whether `text` is an address of this machine itself, public or not, that isn't allowed.

        A packet to it doesn't pass a firewall in front of the machine.
        """
        try:
            address = _unwrapped(ip_address(text))
        except ValueError:
            return False
        return not self._is_allowed(address) and _is_bindable(address)

    def _is_allowed(self, address: Address) -> bool:
        """Whether a network allows `address`. A wide IPv6 network such as ::/0 allows no embedded IPv4 address."""
        real = _unwrapped(address)
        return any(
            real in network or (address in network and network.prefixlen >= _MAPPED.prefixlen)
            for network in self._allowed
        )

    def _is_shut_metadata(self, address: Address) -> bool:
        """Whether `address` is metadata, with credentials, and not itself an entry of the allowed networks."""
        return any(address in network and network not in self._allowed for network in _METADATA)


def _network(text: str) -> Network:
    try:
        return ip_network(text.strip())
    except ValueError:
        raise SetupError(f"RELAY_ALLOWED_NETWORKS has {text!r}, which isn't a network like 10.0.0.0/8.") from None


def _is_bindable(address: Address) -> bool:
    """Whether `address` is this machine's, because a socket can be bound to it. Sends nothing.

    False if the system allows binding to any address (net.ipv4.ip_nonlocal_bind).
    """
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    return _can_bind(family, str(address)) and not _can_bind(family, _ELSEWHERE[family])


def _can_bind(family: socket.AddressFamily, text: str) -> bool:
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as sock:
            sock.bind((text, 0))
    except OSError:
        return False
    return True


def _is_public(address: Address) -> bool:
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _CLOSED_IPV4)
    if address.scope_id:
        return False
    real = _unwrapped(address)
    if real != address:
        # On IPv6-only hosts, every IPv4 service has such an address.
        return _is_public(real)
    if address not in _GLOBAL_IPV6:
        return False
    return not (_is_isatap(address) or any(address in network for network in _CLOSED_IPV6))


def _unwrapped(address: Address) -> Address:
    """The address to which a packet to `address` is delivered."""
    if isinstance(address, IPv6Address) and (address in _MAPPED or address in _NAT64):
        return _low_32(address)
    return address


def _forms(address: Address) -> Iterator[Address]:
    """Yields `address` and every IPv4 address that it may contain."""
    yield address
    if isinstance(address, IPv4Address):
        return
    number = int(address)
    if _is_isatap(address) or any(address in network for network in _LOW_32):
        yield _low_32(address)
    if address in _NAT64_LOCAL:  # RFC 6052, as a /48, /56 or /64 of it: the 8 bits after the first 64 are skipped
        yield IPv4Address((number >> 64 & 0xFFFF) << 16 | number >> 40 & 0xFFFF)
        yield IPv4Address((number >> 64 & 0xFF) << 24 | number >> 32 & 0xFFFFFF)
        yield IPv4Address(number >> 24 & 0xFFFFFFFF)
    if address in _6TO4:
        yield IPv4Address(number >> 80 & 0xFFFFFFFF)
    if address in _TEREDO:  # the server, and the client with its bits turned over
        yield IPv4Address(number >> 64 & 0xFFFFFFFF)
        yield IPv4Address(~number & 0xFFFFFFFF)


def _is_isatap(address: IPv6Address) -> bool:
    """Whether a router may tunnel packets to the IPv4 address at its end (RFC 5214), in any network."""
    return int(address) >> 32 & 0xFDFFFFFF == 0x5EFE


def _low_32(address: IPv6Address) -> IPv4Address:
    return IPv4Address(int(address) & 0xFFFFFFFF)
