"""Destinations that answer never, slowly, endlessly or with garbage: runs say so, and others continue."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs

import pytest

from tests.bench.__main__ import flow
from tests.bench.load import burst
from tests.chaos.badserver import WAYS, BadServers
from tests.chaos.stream import Sink, Stream, port, publish, publish_document, rows
from tests.support.running import Relay, wait_until

EACH = 6  # orders to each bad destination

# What each try's record says. An endless body of status 200 is a delivery, of whose answer only so much is kept.
SAID = {
    "never": "The request was sent, but no answer came in time.",
    "head-by-bytes": "The request was sent, but the whole answer didn't come in time.",
    "body-by-bytes": "The request was sent, but the whole answer didn't come in time.",
    "endless-head": "The answer's headers are longer than 65,536 bytes.",
    "endless-body": "",
    "garbage": "The response isn't valid HTTP.",
    "half": "The connection broke before the whole answer had come.",
    "close": "The connection broke before the whole answer had come.",
    "redirect": "The answer was 302 to /ok; redirects are not followed",
}


@pytest.mark.chaos
def test_bad_destinations_harm_no_neighbour(start_relay: Callable[..., Relay], sink: Sink) -> None:
    relay = start_relay(RELAY_ALLOWED_NETWORKS="127.0.0.0/8", RELAY_HTTP_TIMEOUT="1")
    good = publish(relay, sink.url)
    bad = publish_document(
        relay, {**flow("http://127.0.0.1:{{ event.query.port }}/{{ event.query.way }}"), "name": "Bad"}
    )

    with BadServers() as servers:
        for way in WAYS:
            _send(relay, f"{bad}?way={way}&port={servers.ports[way]}")
        with Stream(port(relay), good, rate=100) as stream:
            stream.wait_for(200)
        wait_until(lambda: stream.books.acknowledged <= sink.delivered(), seconds=3, what="the neighbour's arrive")
        wait_until(lambda: not _under_way(relay), what="each run has ended, waits or is held")

    assert _said(relay) == SAID
    assert rows(relay, "SELECT state FROM relay_run WHERE state != 'succeeded' AND reason = ''") == []
    assert sink.doubled == 0


def _send(relay: Relay, path: str) -> None:
    load = asyncio.run(burst(port(relay), path, first=1_000_000, count=EACH, connections=2))
    assert len(load.acknowledged) == EACH


def _under_way(relay: Relay) -> list[tuple[Any, ...]]:
    return rows(relay, "SELECT id FROM relay_run WHERE state IN ('queued', 'running')")


def _said(relay: Relay) -> dict[str, str]:
    """What the first try of each bad destination says of it; all tries of one say the same."""
    statement = (
        "SELECT DISTINCT e.query, a.error FROM relay_attempt a JOIN relay_run r ON r.id = a.run_id"
        " JOIN relay_event e ON e.id = r.event_id WHERE e.query != ''"
    )
    said = [(parse_qs(query)["way"][0], error) for query, error in rows(relay, statement)]
    assert len(said) == len(dict(said))
    return dict(said)
