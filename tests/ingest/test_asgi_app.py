"""Tests the client address, scheme and host that pages get, with and without proxies."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from django.core.handlers.asgi import ASGIHandler

from relay import client_address
from relay.ingest import body_limit
from relay.ingest.asgi_app import AsgiApp
from tests.support.asgi_requests import scope_of

SAID = {"x_forwarded_for": "203.0.113.9", "x_forwarded_proto": "https"}


@pytest.mark.parametrize(
    ("trusted", "peer", "client", "proto"),
    [
        (["10.0.0.0/8"], "10.0.0.1", "203.0.113.9", True),
        (["10.0.0.0/8"], "::ffff:10.0.0.1", "203.0.113.9", True),
        (["10.0.0.0/8"], "198.51.100.1", "198.51.100.1", False),
        (client_address.PRIVATE, "192.168.1.2", "203.0.113.9", True),
        (client_address.PRIVATE, "198.51.100.1", "198.51.100.1", False),
    ],
)
def test_only_a_trusted_proxy_is_believed(settings: Any, trusted: Any, peer: str, client: str, proto: bool) -> None:
    settings.TRUSTED_PROXIES = client_address.Networks(trusted)
    seen: list[dict[str, Any]] = []

    async def pages(scope: Any, receive: Any, send: Any) -> None:
        seen.append(scope)

    asyncio.run(AsgiApp(pages)(scope_of("/flows/", "GET", peer=peer, **SAID), None, None))  # type: ignore[arg-type]

    assert seen[0]["client"][0] == client
    assert (b"x-forwarded-proto" in dict(seen[0]["headers"])) == proto


def told(monkeypatch: pytest.MonkeyPatch, pieces: list[bytes], **headers: str) -> tuple[list[dict[str, Any]], int]:
    """What Django's pages answer to a body that comes in these pieces and never ends, and how many were read."""
    monkeypatch.setattr(body_limit, "MAX_BYTES", 1_000)
    sent: list[dict[str, Any]] = []
    left = iter(pieces)

    async def receive() -> dict[str, Any]:
        piece = next(left, None)
        if piece is None:
            await asyncio.Event().wait()
        return {"type": "http.request", "body": piece, "more_body": True}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    asyncio.run(AsgiApp(ASGIHandler())(scope_of("/sign-in/", **headers), receive, send))
    return sent, len(pieces) - len(list(left))


@pytest.mark.parametrize(
    ("pieces", "headers", "status", "read"),
    [
        ([b"x" * 400] * 9, {}, 413, 3),
        ([b"x" * 400] * 9, {"content_length": "3600"}, 413, 0),
        ([b"x" * 400] * 9, {"content_length": "9" * 400}, 413, 0),
        ([b"x"], {"content_length": "2"}, 408, 1),
    ],
)
def test_a_body_for_a_page_has_limits(
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
    pieces: list[bytes],
    headers: dict[str, str],
    status: int,
    read: int,
) -> None:
    settings.BODY_TIMEOUT = 0.05

    (start, _), count = told(monkeypatch, pieces, **headers)

    assert start["status"] == status
    assert (b"connection", b"close") in start["headers"]
    assert count == read


def together(peers: list[str], size: int) -> list[int]:
    """What pages see of bodies of which the last is sent while none is answered: 200 for a whole one, else the status.

    All of them are sent twice: the second time, the first ones are answered.
    """
    statuses = [200] * len(peers)
    all_arrived = asyncio.Event()
    arrived = 0

    async def pages(scope: Any, receive: Any, send: Any) -> None:
        nonlocal arrived
        await receive()
        arrived += 1
        if arrived == len(peers):
            all_arrived.set()
        await all_arrived.wait()

    async def one(app: AsgiApp, number: int, peer: str) -> None:
        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": b"x" * size, "more_body": False}

        async def send(message: dict[str, Any]) -> None:
            statuses[number] = message.get("status", statuses[number])

        await app(scope_of("/sign-in/", peer=peer), receive, send)

    async def twice() -> list[int]:
        nonlocal arrived
        app = AsgiApp(pages)
        await asyncio.gather(*(one(app, number, peer) for number, peer in enumerate(peers)))
        first, arrived = list(statuses), 0
        all_arrived.clear()
        statuses[:] = [200] * len(peers)
        await asyncio.gather(*(one(app, number, peer) for number, peer in enumerate(peers)))
        assert statuses == first
        return first

    return asyncio.run(twice())


@pytest.mark.parametrize(
    ("size", "peers", "statuses"),
    [
        (400, ["a", "a", "a", "b", "b", "b", "c"], [200, 200, 503, 200, 200, 503, 503]),
        (400, ["2001:db8::1", "2001:db8::2", "2001:db8::3"], [200, 200, 503]),
        (100, ["a"] * 20, [200] * 20),
    ],
)
def test_bodies_that_arrive_at_once_have_limits(
    monkeypatch: pytest.MonkeyPatch, size: int, peers: list[str], statuses: list[int]
) -> None:
    """Each address has a share, all have a limit together, and small bodies are always taken."""
    monkeypatch.setattr(body_limit, "MAX_BYTES_OF_ALL", 1_200)
    monkeypatch.setattr(body_limit, "MAX_BYTES_OF_ADDRESS", 700)
    monkeypatch.setattr(body_limit, "UNCOUNTED_BYTES", 100)

    assert together(peers, size) == statuses
