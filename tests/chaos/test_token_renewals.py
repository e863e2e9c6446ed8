"""Workers that share a connection renew its token once, and a kill -9 in the middle of it loses no run."""

from __future__ import annotations

import json
import os
import signal
import threading
import urllib.request
from collections.abc import Callable, Iterator

import pytest

from tests.chaos.stream import rows
from tests.support import connecting
from tests.support.authorization_server import AuthorizationServer
from tests.support.running import Relay, wait_until

COUNT = 120
Start = Callable[..., Relay]


@pytest.fixture
def server() -> Iterator[AuthorizationServer]:
    with AuthorizationServer() as running:
        yield running


def started(start_relay: Start, server: AuthorizationServer, **settings: str) -> tuple[Relay, str]:
    """A Relay with a flow that needs an access that has expired, and the flow's URL."""
    relay = start_relay(
        RELAY_ALLOWED_NETWORKS="127.0.0.0/8", RELAY_CONNECTOR_URLS=connecting.urls(server), RELAY_LEASE="2", **settings
    )
    relay.command("user", "add", "ann@example.com", given="correct horse battery\n")
    connecting.connect(relay, server, lifetime=-1)
    url = relay.json("import", "-", "--publish", given=json.dumps(connecting.FLOW))["url"]
    return relay, url


def post(url: str, count: int) -> None:
    for number in range(count):
        request = urllib.request.Request(url, json.dumps({"id": f"m{number}"}).encode(), method="POST")
        request.add_header("Content-Type", "application/json")
        with urllib.request.urlopen(request, timeout=10) as answer:
            assert answer.status == 202


def states(relay: Relay) -> set[str]:
    return {state for (state,) in rows(relay, "SELECT DISTINCT state FROM relay_run")}


def kill_workers(relay: Relay) -> None:
    for name, pid in relay.children().items():
        if "worker" in name:
            os.kill(pid, signal.SIGKILL)


def test_four_workers_with_an_expired_token_renew_it_once(start_relay: Start, server: AuthorizationServer) -> None:
    server.pause = 0.5
    relay, url = started(start_relay, server)
    relay.end()
    relay.start("--workers", "4")

    post(url.replace(url.split("/in/")[0], relay.url), COUNT)
    wait_until(lambda: states(relay) == {"succeeded"}, seconds=60, what="every run has ended")

    assert len([name for name in relay.children() if "worker" in name]) == 4
    assert len(server.told) == COUNT
    assert (server.asked["refresh_token"], server.refreshes, server.unauthorized) == (1, 1, 0)


@pytest.mark.chaos
@pytest.mark.parametrize("grace", [0, 1])
def test_a_kill_between_the_answer_and_the_commit_loses_no_run(
    start_relay: Start, server: AuthorizationServer, grace: int
) -> None:
    server.grace = grace
    server.hold = threading.Event()
    relay, url = started(start_relay, server, RELAY_HTTP_TIMEOUT="3")
    post(url, 10)

    assert server.reached.wait(20)  # the service has ended the former token; nobody has the new one
    kill_workers(relay)
    server.hold.set()
    server.hold = None
    expected = {"succeeded"} if grace else {"held"}
    wait_until(lambda: states(relay) == expected, seconds=90, what=f"every run is {expected}")
    if not grace:
        held = rows(relay, "SELECT DISTINCT held_by, reason FROM relay_run")
        assert [by for by, _ in held] == ["credential"]
        assert "Connect again" in held[0][1]
        assert relay.json("connection", "list", "--json")[0]["access"]["state"] == "refused"
        connecting.connect(relay, server)
        wait_until(lambda: states(relay) == {"succeeded"}, seconds=60, what="they continue")

    assert len(server.told) == 10


@pytest.mark.chaos
def test_a_relay_that_stops_in_the_middle_stores_what_it_was_given(
    start_relay: Start, server: AuthorizationServer
) -> None:
    server.pause = 2.0
    relay, url = started(start_relay, server)
    post(url, 5)
    wait_until(lambda: server.asked["refresh_token"], what="a worker asks")

    relay.end()
    relay.start()
    wait_until(lambda: states(relay) == {"succeeded"}, seconds=60, what="every run has ended")

    assert server.refreshes == 1
    assert len(server.told) == 5
