"""Determines the sender's address of a request, from its connection or from trusted proxies."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

# The networks of RELAY_BEHIND_PROXY: this machine and private networks.
PRIVATE = ("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "::1/128", "fc00::/7")
# Hops that are checked, from the right: a sender may write any number of hops on the left.
MAX_HOPS = 20
MAX_CACHED_ADDRESSES = 4096
MAX_CACHED_CHARACTERS = 200  # of both headers
_MAPPED = IPv6Network("::ffff:0:0/96")
_for = re.compile(r'(?:^|;)\s*for\s*=\s*(?:"([^"]*)"|([^;\s]*))', re.IGNORECASE).search
_with_port = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([0-9.]+))(?::[0-9]{1,5})?").fullmatch


class Networks:
    """A set of networks; `"203.0.113.9" in networks` is cached, because the same senders send many requests."""

    __slots__ = ("_cache", "_networks")

    def __init__(self, texts: Iterable[str] = ()) -> None:
        """Parse `203.0.113.0/24`, `2001:db8::/32` or single addresses; raises ValueError with the reason."""
        self._networks = tuple(network(text) for text in texts)
        self._cache: dict[str, bool] = {}

    def __contains__(self, address: str) -> bool:
        """Return whether an address, as `sender` returns it, is in one of the networks; other text is in none."""
        is_inside = self._cache.get(address)
        if is_inside is None:
            if len(self._cache) >= MAX_CACHED_ADDRESSES:
                self._cache.clear()
            parsed = _address(address)
            is_inside = parsed is not None and any(parsed in network for network in self._networks)
            self._cache[address] = is_inside
        return is_inside

    def __bool__(self) -> bool:
        return bool(self._networks)

    def __str__(self) -> str:
        return ", ".join(map(str, self._networks))


def network(text: str) -> Network:
    """Parse a network or an address; raises ValueError with the reason."""
    try:
        parsed = ip_network(text.strip(), strict=False)
    except ValueError:
        parsed = None
    if parsed is None or "%" in text:
        reason = f"{text[:60]!r} is no address or network: write it as 203.0.113.0/24 or 2001:db8::/32"
        raise ValueError(reason)
    if isinstance(parsed, IPv6Network) and parsed.prefixlen >= 96 and parsed.subnet_of(_MAPPED):
        return ip_network((parsed.network_address.packed[12:], parsed.prefixlen - 96))
    return parsed


@lru_cache(maxsize=MAX_CACHED_ADDRESSES)
def neighbourhood(address: str) -> str:
    """Return the network that one sender controls: an IPv4 address, or an IPv6 /64."""
    parsed = _address(address)
    return str(ip_network((parsed, 64), strict=False)) if isinstance(parsed, IPv6Address) else address


def sender(peer: str, headers: dict[str, str], trusted: Networks) -> str:
    """Return the sender's address of a request.

    It is the peer's address. If that is a trusted proxy, it is the right-most address in X-Forwarded-For or Forwarded
    that isn't trusted: each proxy appends the address that it saw, and a sender can write anything on the left. If
    both headers exist and disagree, one of them may be the sender's, so neither is used.
    """
    peer = plain(peer)
    if not trusted or peer not in trusted:
        return peer
    values = headers.get("x-forwarded-for", ""), headers.get("forwarded", "")
    # Usual headers are cached; long ones are not worth caching.
    resolve = _from_headers if len(values[0]) + len(values[1]) < MAX_CACHED_CHARACTERS else _from_headers.__wrapped__
    return resolve(peer, *values, trusted)


@lru_cache(maxsize=MAX_CACHED_ADDRESSES)
def _from_headers(peer: str, listed: str, named: str, trusted: Networks) -> str:
    addresses = {_outermost(hops, peer, trusted) for hops in (_listed(listed), _named(named)) if hops}
    return addresses.pop() if len(addresses) == 1 else peer


def plain(address: str) -> str:
    """Return an address as it is stored: IPv4 instead of an IPv4-mapped IPv6 address; other text unchanged."""
    if address[:7].lower() != "::ffff:":
        return address
    parsed = _address(address)
    return address if parsed is None else str(parsed)


def _outermost(hops: Sequence[str], peer: str, trusted: Networks) -> str:
    last = peer
    for hop in list(hops)[: -MAX_HOPS - 1 : -1]:
        match = _with_port(hop) or re.fullmatch(r"([0-9A-Fa-f:.]+)()", hop)
        parsed = _address(match[1] or match[2]) if match else None
        if parsed is None:  # "unknown", a made-up name or nonsense: nothing is known beyond the last hop
            return last
        last = str(parsed)
        if last not in trusted:
            return last
    return last


def _listed(text: str) -> list[str]:
    return [part.strip() for part in text.split(",")] if text else []


def _named(text: str) -> list[str]:
    return list(_parameters(text)) if text else []


def _parameters(text: str) -> Iterator[str]:
    for part in text.split(","):
        match = _for(part)
        yield (match[1] or match[2] or "") if match else ""


def _address(text: str) -> Address | None:
    try:
        parsed = ip_address(text)
    except ValueError:
        return None
    if isinstance(parsed, IPv6Address):
        return parsed.ipv4_mapped or (None if parsed.scope_id else parsed)
    return parsed
