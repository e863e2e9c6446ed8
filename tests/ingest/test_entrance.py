"""What pages are told of a request that came through proxies, and around them."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from relay import forwarded
from relay.ingest.entrance import Entrance
from tests.ingest.asking import scope_of

SAID = {"x_forwarded_for": "203.0.113.9", "x_forwarded_proto": "https"}


@pytest.mark.parametrize(
    ("trusted", "peer", "client", "proto"),
    [
        (["10.0.0.0/8"], "10.0.0.1", "203.0.113.9", True),
        (["10.0.0.0/8"], "::ffff:10.0.0.1", "203.0.113.9", True),
        (["10.0.0.0/8"], "198.51.100.1", "198.51.100.1", False),
        (forwarded.PRIVATE, "192.168.1.2", "203.0.113.9", True),
        (forwarded.PRIVATE, "198.51.100.1", "198.51.100.1", False),
    ],
)
def test_only_a_trusted_proxy_is_believed(settings: Any, trusted: Any, peer: str, client: str, proto: bool) -> None:
    settings.TRUSTED_PROXIES = forwarded.Networks(trusted)
    seen: list[dict[str, Any]] = []

    async def pages(scope: Any, receive: Any, send: Any) -> None:
        seen.append(scope)

    asyncio.run(Entrance(pages)(scope_of("/flows/", "GET", peer=peer, **SAID), None, None))  # type: ignore[arg-type]

    assert seen[0]["client"][0] == client
    assert (b"x-forwarded-proto" in dict(seen[0]["headers"])) == proto
