"""Workers of several hosts that share a connection on PostgreSQL renew its token once."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.chaos.test_token_renewals import post
from tests.postgres.conftest import Hosts
from tests.support import connecting
from tests.support.authorization_server import AuthorizationServer
from tests.support.running import wait_until

pytestmark = pytest.mark.postgres
COUNT = 120


@pytest.fixture
def server() -> Iterator[AuthorizationServer]:
    with AuthorizationServer() as running:
        yield running


def test_four_workers_of_two_hosts_renew_an_expired_token_once(
    hosts: Hosts, server: AuthorizationServer, fetch: Callable[[str], list[tuple[Any, ...]]]
) -> None:
    server.pause = 0.5
    hosts._shared["RELAY_CONNECTOR_URLS"] = connecting.urls(server)
    relay = hosts.relay()
    relay.command("migrate")
    relay.command("user", "add", "ann@example.com", given="correct horse battery\n")
    connecting.connect(relay, server, lifetime=-1)
    url = relay.json("import", "-", "--publish", given=json.dumps(connecting.FLOW))["url"]
    door = hosts.serve("ingest")
    post(f"http://127.0.0.1:{door}/in/{url.partition('/in/')[2]}", COUNT)

    for _ in range(4):
        hosts.start("worker")
    hosts.start("upkeep")
    states = "SELECT DISTINCT state FROM relay_run"
    wait_until(lambda: fetch(states) == [("succeeded",)], seconds=90, what="every run has ended")

    assert len(server.told) == COUNT
    assert (server.asked["refresh_token"], server.refreshes, server.unauthorized) == (1, 1, 0)
    relay.remove()
