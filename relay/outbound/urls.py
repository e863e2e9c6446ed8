"""Parses URLs with urllib3's parser only, and refuses URLs that two parsers could read differently."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property, lru_cache
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from unicodedata import category, normalize

from urllib3.exceptions import LocationParseError
from urllib3.util import Url, parse_url

from relay.errors import ValueRefused

MAX_URL = 8192
MAX_HOST = 253
_JOINERS = "\u200c\u200d"
_PORTS = {"http": 80, "https": 443}

# Parsers differ about backslashes and white space; surrogates and C1 controls can't be encoded.
_find_unreadable = re.compile(r"[\x00-\x20\x7f-\xa0\\\s\ud800-\udfff]").search
_is_name = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)(\.(?!-)[a-z0-9_-]{1,63}(?<!-))*").fullmatch
_authority = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://([^/?#]*)").match
_has_padded_port = re.compile(r".*:0[0-9]+").fullmatch
# getaddrinfo reads 2130706433, 0x7f.1 and 127.1 as addresses: a last label of this form is a number.
_ends_in_number = re.compile(r"(.*\.)?([0-9]+|0x[0-9a-f]*)").fullmatch


@dataclass(frozen=True)
class Target:
    """The target of a URL. `host` has no brackets and no trailing dot; `path` includes the query."""

    scheme: str
    host: str
    port: int
    path: str
    literal: bool

    @cached_property
    def authority(self) -> str:
        """Host and port as in the Host header, without a default port."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"

    @cached_property
    def origin(self) -> str:
        return f"{self.scheme}://{self.authority}"


def check_url(url: str) -> None:
    """Raises RequestRefused if `url` can't be called as written. Looks no name up."""
    parse(url)


def exact(url: str) -> str:
    """`url` as it is called: invalid characters encoded, dots resolved, fragment removed."""
    target = parse(url)
    return target.origin + target.path


def origin_of(url: str) -> str:
    """Scheme, host and port of `url` as written, without a default port; raises RequestRefused."""
    return parse(url).origin


def host_of(url: str) -> str:
    """The host of `url` in canonical form, without brackets and trailing dot; raises RequestRefused."""
    return parse(url).host


@lru_cache(maxsize=1024)
def parse(url: str) -> Target:
    """The target of `url`, without its fragment; raises RequestRefused."""
    if len(url) > MAX_URL:
        raise ValueRefused(f"The URL is longer than {MAX_URL:,} characters.")
    if _find_unreadable(url):
        raise ValueRefused("The URL has a space, a backslash or a control character in it.")
    _check_authority(url)
    try:
        parts = parse_url(url)
    except LocationParseError:
        raise ValueRefused("The URL can't be read: check its host and port.") from None
    return _target(parts)


def _check_authority(url: str) -> None:
    """Refuses forms that urllib3 accepts and others read differently: an empty user name, %31 for 1, port 080."""
    match = _authority(url)
    authority = match[1] if match else ""
    if "@" in authority:
        raise ValueRefused("The URL has a user name or password before the host: use an Authorization header.")
    if "%" in authority and "[" in authority:
        raise ValueRefused("The address in the URL has a zone id, which can't be called.")
    if "%" in authority:
        raise ValueRefused("The host of the URL has a % in it: write the letter that it stands for.")
    if _has_padded_port(authority):
        raise ValueRefused("The port of the URL begins with 0: leave the zero out.")


def _target(parts: Url) -> Target:
    if parts.scheme not in _PORTS:
        raise ValueRefused("The URL must start with http:// or https://.")
    if parts.port == 0:
        raise ValueRefused("The URL has port 0, which can't be called.")
    if not parts.host:
        raise ValueRefused("The URL has no host.")
    host, literal = _host(parts.host)
    port = parts.port or _PORTS[parts.scheme]
    return Target(parts.scheme, host, port, parts.request_uri, literal)


def _host(written: str) -> tuple[str, bool]:
    """The host in canonical form, and whether it is an address."""
    if written.startswith("["):
        return _ipv6(written[1:-1]), True
    host = written.removesuffix(".")
    if _ends_in_number(host):
        return _ipv4(host), True
    if len(host) > MAX_HOST or not _is_name(host):
        raise ValueRefused("The host of the URL isn't a valid name.")
    for label in host.split("."):
        _check_punycode(label)
    return host, False


def _ipv4(text: str) -> str:
    try:
        return str(IPv4Address(text))
    except AddressValueError:
        raise ValueRefused(
            "The host of the URL is a number: write an address as four numbers, like 192.0.2.1."
        ) from None


def _ipv6(text: str) -> str:
    try:
        return str(IPv6Address(text))
    except AddressValueError:
        raise ValueRefused("The address in the URL isn't valid.") from None


def _check_punycode(label: str) -> None:
    if label.startswith("xn--") and not _is_international(label[4:]):
        raise ValueRefused("The host of the URL isn't a valid international name.")


def _is_international(code: str) -> bool:
    """Whether punycode decodes to letters that a name may have, in canonical form; browsers refuse others."""
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
