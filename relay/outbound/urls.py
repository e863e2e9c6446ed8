"""Reads a URL with urllib3's parser alone, and refuses what two readers could read differently."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from unicodedata import category, normalize

from urllib3.exceptions import LocationParseError
from urllib3.util import Url, parse_url

from relay.errors import RequestRefused

MAX_URL = 8192
MAX_HOST = 253
_JOINERS = "\u200c\u200d"
_PORTS = {"http": 80, "https": 443}

# Backslash and whitespace are where parsers part ways; surrogates and C1 controls have no form.
_find_unreadable = re.compile(r"[\x00-\x20\x7f-\xa0\\\s\ud800-\udfff]").search
_is_name = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)(\.(?!-)[a-z0-9_-]{1,63}(?<!-))*").fullmatch
_authority = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://([^/?#]*)").match
_has_padded_port = re.compile(r".*:0[0-9]+").fullmatch
# getaddrinfo reads 2130706433, 0x7f.1 and 127.1 as addresses: a last label like that is a number.
_ends_in_number = re.compile(r"(.*\.)?([0-9]+|0x[0-9a-f]*)").fullmatch


@dataclass(frozen=True, slots=True)
class Target:
    """Where a URL leads. `host` has no brackets and no last dot; `path` carries the query."""

    scheme: str
    host: str
    port: int
    path: str
    literal: bool

    @property
    def authority(self) -> str:
        """Host and port as the Host header says them; the port only where it isn't the usual."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def origin(self) -> str:
        return f"{self.scheme}://{self.authority}"


def check_url(url: str) -> None:
    """Raises RequestRefused where `url` can't be called as written; looks nothing up."""
    parse(url)


def exact(url: str) -> str:
    """`url` as it is called: letters that no URL has are encoded, its dots resolved, its fragment dropped."""
    target = parse(url)
    return target.origin + target.path


def origin_of(url: str) -> str:
    """Scheme, host and port of `url` as written, the usual port left out; raises RequestRefused."""
    return parse(url).origin


@lru_cache(maxsize=1024)
def parse(url: str) -> Target:
    """The target of `url`, its fragment dropped; raises RequestRefused."""
    if len(url) > MAX_URL:
        raise RequestRefused(f"The URL is longer than {MAX_URL:,} characters.")
    if _find_unreadable(url):
        raise RequestRefused("The URL has a space, a backslash or a control character in it.")
    _check_authority(url)
    try:
        parts = parse_url(url)
    except LocationParseError:
        raise RequestRefused("The URL can't be read: check its host and port.") from None
    return _target(parts)


def _check_authority(url: str) -> None:
    """Refuses what urllib3 takes or mends and others read differently: an empty user name, %31 for 1, port 080."""
    found = _authority(url)
    authority = found[1] if found else ""
    if "@" in authority:
        raise RequestRefused("The URL has a user name or password before the host: use an Authorization header.")
    if "%" in authority and "[" in authority:
        raise RequestRefused("The address in the URL has a zone id, which can't be called.")
    if "%" in authority:
        raise RequestRefused("The host of the URL has a % in it: write the letter that it stands for.")
    if _has_padded_port(authority):
        raise RequestRefused("The port of the URL begins with 0: leave the zero out.")


def _target(parts: Url) -> Target:
    if parts.scheme not in _PORTS:
        raise RequestRefused("The URL must start with http:// or https://.")
    if parts.port == 0:
        raise RequestRefused("The URL has port 0, which can't be called.")
    if not parts.host:
        raise RequestRefused("The URL has no host.")
    host, literal = _host(parts.host)
    port = parts.port or _PORTS[parts.scheme]
    return Target(parts.scheme, host, port, parts.request_uri, literal)


def _host(written: str) -> tuple[str, bool]:
    """The host in its one form, and whether it is an address."""
    if written.startswith("["):
        return _ipv6(written[1:-1]), True
    host = written.removesuffix(".")
    if _ends_in_number(host):
        return _ipv4(host), True
    if len(host) > MAX_HOST or not _is_name(host):
        raise RequestRefused("The host of the URL isn't a valid name.")
    for label in host.split("."):
        _check_punycode(label)
    return host, False


def _ipv4(text: str) -> str:
    try:
        return str(IPv4Address(text))
    except AddressValueError:
        raise RequestRefused(
            "The host of the URL is a number: write an address as four numbers, like 192.0.2.1."
        ) from None


def _ipv6(text: str) -> str:
    try:
        return str(IPv6Address(text))
    except AddressValueError:
        raise RequestRefused("The address in the URL isn't valid.") from None


def _check_punycode(label: str) -> None:
    if label.startswith("xn--") and not _is_international(label[4:]):
        raise RequestRefused("The host of the URL isn't a valid international name.")


def _is_international(code: str) -> bool:
    """Whether punycode stands for letters that a name may have, in their one form; browsers refuse the rest."""
    try:
        text = code.encode("ascii").decode("punycode")
    except UnicodeError:
        return False
    kinds = [category(letter) for letter in text if letter not in _JOINERS]
    return (
        not text.isascii()
        and not any(kind[0] in "CZ" for kind in kinds)
        and category(text[0])[0] != "M"
        and normalize("NFKC", text) == text.lower() == text
        and text.encode("punycode").decode("ascii") == code
    )
