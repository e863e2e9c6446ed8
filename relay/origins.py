"""Parses the hosts and origins under which Relay serves pages and ingest, and the host of a request."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from urllib.parse import urlsplit

import idna

_DEFAULT_PORTS = {"http": 80, "https": 443}
_LOCAL_HOSTS = ("localhost", "127.0.0.1", "[::1]")
# As Django's host check: it answers 400 for a name with an underscore.
_is_name = re.compile(r"(?=.{1,253}$)(?!-)[a-z0-9-]{1,63}(?<!-)(\.(?!-)[a-z0-9-]{1,63}(?<!-))*").fullmatch
# Browsers read 127.1 and 0x7f.1 as addresses.
_ends_in_number = re.compile(r"(.*\.)?([0-9]+|0x[0-9a-f]*)").fullmatch
_start = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^/?#]*").match


@dataclass(frozen=True, slots=True)
class Origin:
    """A scheme, a host and a port in the canonical form that browsers send; `port` is None for the default port."""

    scheme: str
    host: str  # an IPv6 address in brackets
    port: int | None

    def __str__(self) -> str:
        return f"{self.scheme}://{self.host}" + ("" if self.port is None else f":{self.port}")


def public_url(text: str) -> str:
    """Parse RELAY_PUBLIC_URL, the origin of the pages, into its canonical form. Raises ValueError with the reason."""
    if origin := _origin(text):
        return str(origin)
    reason = (
        "RELAY_PUBLIC_URL must be a scheme, a host and a port where it needs one, such as https://relay.example.com"
    )
    start = _start(text.strip())
    if start and _origin(start[0]):
        raise ValueError(f"{reason}, without a path or a query: Relay can't be served under a path")
    raise ValueError(f"{reason}, and nothing else")


def ingest_url(text: str, *, public_url: str) -> str:
    """Parse RELAY_INGEST_URL, the origin of flows' URLs; "" if it is that of the pages.

    Raises ValueError with the reason: it must be an origin whose host isn't that of the pages.
    """
    if not text.strip():
        return ""
    origin = _origin(text)
    if origin is None:
        reason = "RELAY_INGEST_URL must be a scheme and a host, such as https://hooks.example.com, and nothing after it"
        raise ValueError(reason)
    host = hostname(origin.host)
    if host in (hostname(urlsplit(public_url).netloc), "localhost", "127.0.0.1", "::1"):
        reason = f"RELAY_INGEST_URL must name another host than the pages, which are served under {host}: "
        raise ValueError(reason + "choose one, such as https://hooks.example.com, or leave the setting out")
    return str(origin)


@dataclass(frozen=True, slots=True)
class Served:
    """The hosts and origins of the pages: Django's ALLOWED_HOSTS and CSRF_TRUSTED_ORIGINS."""

    hosts: list[str]
    origins: list[str]


def served(public_url: str, more: Iterable[str] = (), *, without: str = "") -> Served:
    """Return the pages' hosts and origins: those of the public URL and of further hosts in RELAY_HOSTS.

    A proxy may pass on plain HTTP and another Host than the browser's, so each further host is trusted with https,
    and with the scheme and port of the public URL. `without` is a host that serves no pages.
    """
    public = urlsplit(public_url)
    hosts, trusted = [*_LOCAL_HOSTS, public.netloc.removesuffix(f":{public.port}")], [public_url]
    for text in filter(None, map(str.strip, more)):
        host, port = host_pattern(text)
        if hostname(host) != without:
            hosts.append(host)
            trusted += _origins_of(host, port, like=public_url)
    return Served(list(dict.fromkeys(hosts)), list(dict.fromkeys(trusted)))


def host_pattern(text: str) -> tuple[str, int | None]:
    """Parse a host of RELAY_HOSTS into its canonical form and its port, if any. Raises ValueError with the reason.

    `.example.com` means that host and its subdomains, `*` any host.
    """
    if text == "*":
        return text, None
    bare = f"[{text}]" if text.count(":") > 1 and not text.startswith("[") and "//" not in text else text
    dot = "." if bare.startswith(".") else ""
    origin = _origin(bare if _start(bare) else f"https://{bare.removeprefix('.')}")
    if origin is None:
        reason = "RELAY_HOSTS must be host names, such as relay.example.com, comma-separated; one of them is none"
        raise ValueError(reason)
    return dot + origin.host, origin.port


def _origins_of(host: str, port: int | None, *, like: str) -> list[str]:
    if host == "*":
        return []
    public = urlsplit(like)
    name = f"*{host}" if host.startswith(".") else host
    variants = {("https", port), (public.scheme, port or public.port)}
    trusted = [f"{scheme}://{name}" + (f":{number}" if number else "") for scheme, number in sorted(variants, key=str)]
    return [*trusted, *(origin.replace("://*.", "://") for origin in trusted if name.startswith("*"))]


def _origin(text: str) -> Origin | None:
    """Parse an origin; None for a URL with more than scheme, host and port, and for any other text."""
    url = text.strip()
    if not url.isprintable() or set(url) & set(" @%\\,*?#"):
        return None
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    host = _host(parts.netloc)
    if parts.scheme not in _DEFAULT_PORTS or not host or port == 0 or parts.path.strip("/"):
        return None
    return Origin(parts.scheme, host, None if port == _DEFAULT_PORTS[parts.scheme] else port)


def _host(authority: str) -> str:
    """Return the host of an authority as browsers send it, an IPv6 address in brackets; "" if it is invalid."""
    host = hostname(_ascii(authority))
    try:
        if authority.startswith("["):
            return f"[{IPv6Address(host)}]"
        return str(IPv4Address(host)) if _ends_in_number(host) else host if _is_name(host) else ""
    except AddressValueError:
        return ""


def _ascii(authority: str) -> str:
    """Return an authority with an international name in its ASCII form, as browsers send it; "" if it has none."""
    if authority.isascii():
        return authority
    try:
        return idna.encode(authority.rpartition(":")[0] or authority, uts46=True).decode()
    except idna.IDNAError:
        return ""


def hostname(authority: str) -> str:
    """Return the host of an authority or a Host header, in lower case, without port, brackets and trailing dot."""
    text = authority.strip().lower()
    if text.startswith("["):
        return _compressed(text[1:].partition("]")[0])
    return text.partition(":")[0].removesuffix(".")


def _compressed(address: str) -> str:
    """Return an IPv6 address in its canonical form; other text unchanged."""
    try:
        return str(IPv6Address(address))
    except AddressValueError:
        return address


def is_among(host: str, patterns: Iterable[str]) -> bool:
    """Return whether a host matches a pattern as in Django's ALLOWED_HOSTS: `.example.com` includes subdomains."""
    return any(_matches(host, pattern.lower()) for pattern in patterns)


def _matches(host: str, pattern: str) -> bool:
    if pattern.startswith("."):
        return host == pattern[1:] or host.endswith(pattern)
    return host == _compressed(pattern.strip("[]"))
