"""Requests as an ASGI server passes them on, several to one ingest."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, NamedTuple

from relay.ingest.application import Ingest


class Answered(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes


def scope_of(path: str, method: str = "POST", *, peer: str = "127.0.0.1", **headers: str) -> dict[str, Any]:
    return {
        "type": "http",
        "method": method,
        "path": path.partition("?")[0],
        "raw_path": path.partition("?")[0].encode(),
        "query_string": path.partition("?")[2].encode(),
        "headers": [(name.replace("_", "-").encode(), value.encode("latin-1")) for name, value in headers.items()],
        "client": (peer, 1),
    }


async def ask(ingest: Ingest, path: str, method: str = "POST", *, body: bytes = b"{}", **more: str) -> Answered:
    """One request with its whole body; `more`: the peer, and headers."""
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    await ingest(scope_of(path, method, **more), receive, send)
    names = {name.decode(): value.decode("latin-1") for name, value in sent[0]["headers"]}
    return Answered(sent[0]["status"], names, sent[1]["body"])


def serve(visit: Callable[[Ingest], Any]) -> Any:
    """What a visit to a new ingest gives, after that has stored all."""

    async def whole() -> Any:
        ingest = Ingest()
        try:
            return await visit(ingest)
        finally:
            await ingest.close()

    return asyncio.run(whole())


def in_turn(*requests: tuple[str, dict[str, Any]]) -> list[Answered]:
    """The answers of one ingest to requests (path and the rest), one after the other."""

    async def visit(ingest: Ingest) -> list[Answered]:
        return [await ask(ingest, path, **rest) for path, rest in requests]

    answers: list[Answered] = serve(visit)
    return answers
