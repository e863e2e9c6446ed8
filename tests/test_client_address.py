"""Whose address a request has: forged, wrapped, missing, and through several proxies."""

from __future__ import annotations

import pytest

from relay import client_address

TRUSTED = client_address.Networks(["10.0.0.0/8", "2001:db8:1::/48"])


@pytest.mark.parametrize(
    ("peer", "headers", "sender"),
    [
        ("203.0.113.1", {}, "203.0.113.1"),
        ("203.0.113.1", {"x-forwarded-for": "198.51.100.1"}, "203.0.113.1"),
        ("10.0.0.1", {}, "10.0.0.1"),
        ("10.0.0.1", {"x-forwarded-for": "198.51.100.1"}, "198.51.100.1"),
        ("10.0.0.1", {"x-forwarded-for": "1.1.1.1, 198.51.100.1"}, "198.51.100.1"),
        ("10.0.0.1", {"x-forwarded-for": "198.51.100.1, 10.0.0.2, 10.0.0.3"}, "198.51.100.1"),
        ("10.0.0.1", {"x-forwarded-for": "10.0.0.2"}, "10.0.0.2"),
        ("10.0.0.1", {"x-forwarded-for": "198.51.100.1:4711"}, "198.51.100.1"),
        ("10.0.0.1", {"x-forwarded-for": "[2001:db8:2::1]:4711"}, "2001:db8:2::1"),
        ("10.0.0.1", {"x-forwarded-for": "2001:db8:2::1"}, "2001:db8:2::1"),
        ("10.0.0.1", {"x-forwarded-for": "::ffff:198.51.100.1"}, "198.51.100.1"),
        ("::ffff:10.0.0.1", {"x-forwarded-for": "198.51.100.1"}, "198.51.100.1"),
        ("2001:db8:1::1", {"x-forwarded-for": "198.51.100.1"}, "198.51.100.1"),
        ("10.0.0.1", {"x-forwarded-for": ""}, "10.0.0.1"),
        ("10.0.0.1", {"x-forwarded-for": "unknown"}, "10.0.0.1"),
        ("10.0.0.1", {"x-forwarded-for": "198.51.100.1, garbage"}, "10.0.0.1"),
        ("10.0.0.1", {"x-forwarded-for": "198.51.100.1, , 10.0.0.3"}, "10.0.0.3"),
        ("10.0.0.1", {"x-forwarded-for": "fe80::1%eth0"}, "10.0.0.1"),
        ("10.0.0.1", {"x-forwarded-for": "198.51.100.1, " + "10.0.0.2, " * 1000 + "10.0.0.3"}, "10.0.0.2"),
        ("10.0.0.1", {"forwarded": "for=198.51.100.1;proto=https"}, "198.51.100.1"),
        ("10.0.0.1", {"forwarded": 'For="[2001:db8:2::1]:4711"'}, "2001:db8:2::1"),
        ("10.0.0.1", {"forwarded": "for=1.1.1.1, by=10.0.0.9;for=198.51.100.1, for=10.0.0.2"}, "198.51.100.1"),
        ("10.0.0.1", {"forwarded": "for=_hidden"}, "10.0.0.1"),
        ("10.0.0.1", {"forwarded": "proto=https"}, "10.0.0.1"),
        ("10.0.0.1", {"forwarded": "for=198.51.100.1", "x-forwarded-for": "198.51.100.1"}, "198.51.100.1"),
        ("10.0.0.1", {"forwarded": "for=1.1.1.1", "x-forwarded-for": "198.51.100.1"}, "10.0.0.1"),
        ("", {"x-forwarded-for": "198.51.100.1"}, ""),
    ],
)
def test_the_sender(peer: str, headers: dict[str, str], sender: str) -> None:
    assert client_address.sender(peer, headers, TRUSTED) == sender


def test_nobody_is_trusted_where_nobody_is_named() -> None:
    assert (
        client_address.sender("127.0.0.1", {"x-forwarded-for": "198.51.100.1"}, client_address.Networks())
        == "127.0.0.1"
    )


@pytest.mark.parametrize(
    ("text", "network"),
    [
        ("203.0.113.9", "203.0.113.9/32"),
        (" 203.0.113.9/24 ", "203.0.113.0/24"),
        ("2001:db8::1", "2001:db8::1/128"),
        ("::ffff:203.0.113.0/120", "203.0.113.0/24"),
        ("::/0", "::/0"),
    ],
)
def test_networks(text: str, network: str) -> None:
    assert str(client_address.Networks([text])) == network


@pytest.mark.parametrize("text", ["", "my office", "203.0.113.256", "203.0.113.0/33", "fe80::1%eth0", "1", "010.0.0.1"])
def test_what_is_no_network(text: str) -> None:
    with pytest.raises(ValueError, match="is no address or network"):
        client_address.Networks([text])
