"""The address that `relay up` listens at, and the environment of its children."""

from __future__ import annotations

import socket

import pytest

from relay.errors import SetupError
from relay.supervision import addresses


@pytest.mark.parametrize(
    ("host", "port", "url"),
    [
        ("127.0.0.1", 8000, "http://127.0.0.1:8000"),
        ("0.0.0.0", 80, "http://127.0.0.1:80"),
        ("::", 8000, "http://[::1]:8000"),
        ("::1", 8000, "http://[::1]:8000"),
        ("relay.example", 8000, "http://relay.example:8000"),
    ],
)
def test_url_is_one_that_people_can_open(host: str, port: int, url: str) -> None:
    assert addresses.url(host, port) == url


def test_children_get_the_url() -> None:
    environment: dict[str, str] = {}

    addresses.set_environment(environment, host="127.0.0.1", port=9000)

    assert environment == {"RELAY_PUBLIC_URL": "http://127.0.0.1:9000"}


def test_what_the_environment_says_stays() -> None:
    environment = {"RELAY_PUBLIC_URL": "https://relay.example", "RELAY_HOSTS": "inner.example"}

    addresses.set_environment(environment, host="0.0.0.0", port=9000)

    assert environment["RELAY_PUBLIC_URL"] == "https://relay.example"
    hosts = environment["RELAY_HOSTS"].split(",")
    assert hosts[0] == "inner.example"
    assert socket.gethostname().lower() in hosts


def test_taken_port_is_refused_and_any_is_found() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other, pytest.raises(SetupError, match="is taken"):
        addresses.free_port("127.0.0.1", other.getsockname()[1])

    assert addresses.free_port("127.0.0.1", 0) > 0


def test_localhost_is_an_address() -> None:
    assert addresses.resolve("localhost") in ("127.0.0.1", "::1")
