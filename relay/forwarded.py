"""Forwarded: the address that a request came from, as its connection says, or the proxies that are trusted."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

# What RELAY_BEHIND_PROXY stands for: a proxy on this machine or in a private network.
PRIVATE = ("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "::1/128", "fc00::/7")
# Hops that are looked at, from the right: a sender may write any number at the left.
MOST_HOPS = 20
ADDRESSES_REMEMBERED = 4096
MOST_REMEMBERED = 200  # characters
_MAPPED = IPv6Network("::ffff:0:0/96")
_for = re.compile(r'(?:^|;)\s*for\s*=\s*(?:"([^"]*)"|([^;\s]*))', re.IGNORECASE).search
_with_port = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([0-9.]+))(?::[0-9]{1,5})?").fullmatch


class Networks:
    """Some networks; `"203.0.113.9" in networks` is remembered, since the same senders come again and again."""

    __slots__ = ("_known", "_those")

    def __init__(self, texts: Iterable[str] = ()) -> None:
        """Of `203.0.113.0/24`, `2001:db8::/32` or single addresses; ValueError says what one is not."""
        self._those = tuple(network(text) for text in texts)
        self._known: dict[str, bool] = {}

    def __contains__(self, address: str) -> bool:
        """Whether an address, as `sender` gives it, is in one of them; what is no address is in none."""
        known = self._known.get(address)
        if known is None:
            if len(self._known) >= ADDRESSES_REMEMBERED:
                self._known.clear()
            found = _address(address)
            known = self._known[address] = found is not None and any(found in one for one in self._those)
        return known

    def __bool__(self) -> bool:
        return bool(self._those)

    def __str__(self) -> str:
        return ", ".join(map(str, self._those))


def network(text: str) -> Network:
    """ValueError says what it is not."""
    try:
        found = ip_network(text.strip(), strict=False)
    except ValueError:
        found = None
    if found is None or "%" in text:
        reason = f"{text[:60]!r} is no address or network: write it as 203.0.113.0/24 or 2001:db8::/32"
        raise ValueError(reason)
    if isinstance(found, IPv6Network) and found.prefixlen >= 96 and found.subnet_of(_MAPPED):
        return ip_network((found.network_address.packed[12:], found.prefixlen - 96))
    return found


@lru_cache(maxsize=ADDRESSES_REMEMBERED)
def neighbourhood(address: str) -> str:
    """What one sender has at hand: an IPv4 address alone, of IPv6 a /64."""
    found = _address(address)
    return str(ip_network((found, 64), strict=False)) if isinstance(found, IPv6Address) else address


def sender(peer: str, headers: dict[str, str], trusted: Networks) -> str:
    """The address that a request came from.

    That is the peer's, unless it is a trusted proxy's: then the right-most one of X-Forwarded-For or Forwarded that
    isn't trusted, since each proxy adds at the right what it saw, and a sender writes what it likes at the left.
    Where both headers are there and don't agree, one of them is the sender's own word, so neither is believed.
    """
    peer = plain(peer)
    if not trusted or peer not in trusted:
        return peer
    said = headers.get("x-forwarded-for", ""), headers.get("forwarded", "")
    # What is usual is remembered; what is long is no use to remember.
    judge = _judged if len(said[0]) + len(said[1]) < MOST_REMEMBERED else _judged.__wrapped__
    return judge(peer, *said, trusted)


@lru_cache(maxsize=ADDRESSES_REMEMBERED)
def _judged(peer: str, listed: str, named: str, trusted: Networks) -> str:
    said = {_outermost(hops, peer, trusted) for hops in (_listed(listed), _named(named)) if hops}
    return said.pop() if len(said) == 1 else peer


def plain(address: str) -> str:
    """An address as it's kept: IPv4 where IPv6 only wraps it; what is no address as it is."""
    if address[:7].lower() != "::ffff:":
        return address
    found = _address(address)
    return address if found is None else str(found)


def _outermost(hops: Sequence[str], peer: str, trusted: Networks) -> str:
    last = peer
    for hop in list(hops)[: -MOST_HOPS - 1 : -1]:
        match = _with_port(hop) or re.fullmatch(r"([0-9A-Fa-f:.]+)()", hop)
        found = _address(match[1] or match[2]) if match else None
        if found is None:  # "unknown", a made-up name, or nonsense: no word about what is beyond the last hop
            return last
        last = str(found)
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
        found = ip_address(text)
    except ValueError:
        return None
    if isinstance(found, IPv6Address):
        return found.ipv4_mapped or (None if found.scope_id else found)
    return found
