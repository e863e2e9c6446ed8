"""Real processes on PostgreSQL: under `relay up`, on several hosts, and through a restart of the database."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable
from typing import Any

import pytest

from tests.bench.load import burst
from tests.chaos.stream import IN_HAND, Sink, Stream, assert_all_is_well, flow, port, publish, publish_document
from tests.chaos.test_waiting import storm
from tests.conftest import FOLDER
from tests.postgres.conftest import Hosts
from tests.support.postgresql import Postgres
from tests.support.running import Relay, wait_until

pytestmark = pytest.mark.postgres
Fetch = Callable[[str], list[tuple[Any, ...]]]


def test_burst_survives_a_killed_worker(start_relay: Callable[..., Relay], database: str, sink: Sink) -> None:
    relay = start_relay(DATABASE_URL=database, RELAY_ALLOWED_NETWORKS="127.0.0.0/8", RELAY_LEASE="3")
    path = publish(relay, sink.url)
    worker = next(pid for name, pid in relay.children().items() if "worker" in name)

    load = asyncio.run(burst(port(relay), path, first=1_000_000, count=1_000))
    os.kill(worker, signal.SIGKILL)
    with Stream(port(relay), path) as stream:
        stream.wait_for(100)

    stream.books.acknowledged |= load.acknowledged.keys()
    assert_all_is_well(relay, sink, stream.books, twice=IN_HAND)
    assert len(load.acknowledged) == 1_000
    assert not stream.books.cut
    assert not stream.books.refused


def test_what_waits_and_remembers_outlives_any_kill(start_relay: Callable[..., Relay], database: str) -> None:
    relay = start_relay(DATABASE_URL=database, RELAY_ALLOWED_NETWORKS="127.0.0.0/8", RELAY_LEASE="1")

    storm(relay, victims=("worker", "everything", "workers"))


def test_everything_recovers_from_a_restart_of_postgres(
    start_relay: Callable[..., Relay], postgres: Postgres, database: str, sink: Sink
) -> None:
    relay = start_relay(DATABASE_URL=database, RELAY_ALLOWED_NETWORKS="127.0.0.0/8", RELAY_LEASE="3")
    path = publish(relay, sink.url)
    processes = relay.children()

    with Stream(port(relay), path) as stream:
        postgres.kill()
        wait_until(lambda: stream.books.refused, what="ingest refuses")
        postgres.start()
        stream.wait_for(200)

    assert_all_is_well(relay, sink, stream.books, twice=2 * IN_HAND)
    assert relay.children() == processes  # nobody had to be started again
    assert set(stream.books.refused) == {503}
    assert not stream.books.cut


def test_keys_are_rotated_and_dropped_while_runs_need_them(
    start_relay: Callable[..., Relay], database: str, sink: Sink
) -> None:
    relay = start_relay(DATABASE_URL=database, RELAY_ALLOWED_NETWORKS="127.0.0.0/8")
    relay.command("user", "add", "ada@example.com", given="correct horse battery\n")
    secret = '{"signing_secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}'
    relay.command("connection", "set", "Shop", "http", given=secret)
    document = flow(sink.url)
    document["steps"][0] |= {"connection": "Shop"}
    document["steps"][0]["inputs"] |= {"sign": "standard-webhooks"}
    path = publish_document(relay, document)

    with Stream(port(relay), path) as stream:
        stream.wait_for(50)
        done = [relay.json("vault", "rotate", "--drop-old", "--json") for _ in range(3)]
        stream.wait_for(100)

    found = relay.json("vault", "check", "--json")
    noted = [entry["verb"] for entry in relay.json("audit", "--json")]
    assert_all_is_well(relay, sink, stream.books, twice=0)
    assert [len(one["dropped"]) for one in done] == [1, 1, 1]
    assert found == {"keys": [{"key": done[-1]["key"], "here": True, "sealed": done[-1]["resealed"]}], "lost": []}
    assert (noted.count("vault.rotated"), noted.count("vault.keys_dropped")) == (3, 3)


def test_hosts_share_the_work(hosts: Hosts, sink: Sink, fetch: Fetch) -> None:
    relay = hosts.relay()
    relay.command("migrate")
    path = publish(relay, sink.url)
    doors = [hosts.serve("web"), hosts.serve("ingest")]
    for role in ("worker", "worker", "upkeep", "upkeep"):
        hosts.start(role)

    with Stream(doors[0], path) as one, Stream(doors[1], path, first=1_000_000) as other:
        one.wait_for(150)
        other.wait_for(150)
    one.books.acknowledged |= other.books.acknowledged

    assert_all_is_well(relay, sink, one.books, twice=0)
    assert not one.books.refused | other.books.refused
    assert [process.poll() for process in hosts.running] == [None] * 6
    relay.remove()


def test_of_two_upkeeps_one_rings_and_the_other_takes_over(hosts: Hosts, fetch: Fetch) -> None:
    relay = hosts.relay()
    relay.command("migrate")
    first, second = hosts.start("upkeep"), hosts.start("upkeep")

    def lease() -> tuple[str, int]:
        found = fetch("SELECT holder, until FROM relay_lease WHERE name = 'upkeep'")
        return found[0] if found else ("", 0)

    wait_until(lambda: lease()[1], what="one of them does it")
    seen = {lease()}
    wait_until(lambda: seen.add(lease()) or len(seen) >= 4, what="it is renewed")
    holders = {holder for holder, _ in seen}
    holder = next(iter(holders))
    held_by, waits = (first, second) if f":{first.pid}:" in holder else (second, first)
    held_by.kill()
    wait_until(lambda: f":{waits.pid}:" in lease()[0], seconds=10, what="the other one takes over")

    assert len(holders) == 1
    relay.remove()


def test_workers_and_upkeep_wait_for_a_valkey_that_is_away(hosts: Hosts, sink: Sink, valkey: Any) -> None:
    relay = hosts.relay()
    relay.command("migrate")
    path = publish(relay, sink.url)
    door = hosts.serve("ingest")
    for role in ("worker", "upkeep"):
        hosts.start(role)

    with Stream(door, path) as stream:
        wait_until(sink.delivered, what="it is delivered")
        valkey.stop()
        stream.wait_for(300)
        before = set(stream.books.acknowledged)
        wait_until(lambda: before <= sink.delivered(), what="it is delivered without bells")
        valkey.start()
        stream.wait_for(100)

    assert_all_is_well(relay, sink, stream.books, twice=0)
    assert FOLDER.socket.exists()
    assert [process.poll() for process in hosts.running] == [None] * 3
    relay.remove()
