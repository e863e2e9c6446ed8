"""Runs that need a lost key of the vault are held, and continue when the key is back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import pytest
from django.conf import settings
from pytest_httpserver import HTTPServer
from structlog.testing import capture_logs

from relay import vault
from relay.engine.configuration import connections, variables
from relay.engine.flow_control import circuit_breaker
from relay.engine.worker.thread_pool import WalkThreads
from relay.engine.worker.work_loop import work
from relay.models import Destination, Flow, HeldBy, Run, RunState, Workspace, sealing
from tests.engine.conftest import posting

pytestmark = pytest.mark.django_db(transaction=True)

SIGNING = {"signing_secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}
TOKEN = "s3cr3t-of-the-shop"
Lost = Callable[[], AbstractContextManager[None]]


@pytest.fixture
def lost() -> Iterator[Lost]:
    """A while in which the keys of before are not there."""
    before = sealing.ring()

    @contextmanager
    def keyless() -> Iterator[None]:
        settings.DATA.write_vault_keys([vault.new_key()])
        sealing._rings.clear()
        yield
        settings.DATA.write_vault_keys(before)

    yield keyless
    settings.DATA.write_vault_keys(before)
    sealing._rings.clear()


def needing(what: str, url: str) -> dict[str, Any]:
    """A flow whose action needs a connection or a secret variable."""
    if what == "connection":
        document = posting(url, connection="Shop")
        document["steps"][0]["inputs"]["sign"] = "standard-webhooks"
    else:
        document = posting(url)
        document["steps"][0]["inputs"]["body"] = {"json": {"token": "{{ vars.token }}"}}
    return document


def enter(workspace: Workspace, what: str) -> None:
    if what == "connection":
        connections.set_connection(workspace, "Shop", "http", SIGNING)
    else:
        variables.set_variable(workspace, "token", TOKEN, secret=True)


@pytest.fixture(params=["connection", "variable"])
def what(request: pytest.FixtureRequest, workspace: Workspace) -> str:
    enter(workspace, request.param)
    return str(request.param)


@pytest.fixture
def runs(what: str, live: Callable[..., Flow], arrive: Callable[..., list[Run]], destination: HTTPServer) -> list[Run]:
    destination.expect_request("/hook").respond_with_data("ok")
    return arrive(live(needing(what, destination.url_for("/hook"))), b'{"id": 1}', b'{"id": 2}')


def go_on(walkers: WalkThreads) -> None:
    for _ in range(5):
        circuit_breaker.tick()
        work(walkers=walkers, linger=0)


def states() -> list[tuple[str, str]]:
    return list(Run.objects.order_by("id").values_list("state", "held_by"))


def test_runs_are_held_with_the_reason_until_the_key_is_back(
    what: str, runs: list[Run], walkers: WalkThreads, destination: HTTPServer, lost: Lost
) -> None:
    with lost():
        work(walkers=walkers, linger=0)
        go_on(walkers)
        held, reasons = states(), set(Run.objects.values_list("reason", "tries"))
        sent = len(destination.log)

    go_on(walkers)

    assert held == [(RunState.HELD, HeldBy.KEY)] * 2
    assert len(reasons) == 1
    ((reason, tries),) = reasons
    assert reason.startswith(f"The {what} ")
    assert "Put that key back" in reason
    assert (tries, sent) == (0, 0)
    assert states() == [(RunState.SUCCEEDED, "")] * 2
    assert len(destination.log) == 2
    assert not Destination.objects.exists()


def test_the_log_says_once_which_secret_is_lost(what: str, runs: list[Run], walkers: WalkThreads, lost: Lost) -> None:
    with lost(), capture_logs() as lines:
        work(walkers=walkers, linger=0)
        go_on(walkers)

    assert states() == [(RunState.HELD, HeldBy.KEY)] * 2
    assert [line["event"] for line in lines].count("destination.locked") == 1


def test_what_is_entered_again_lets_them_out_too(
    what: str, workspace: Workspace, runs: list[Run], walkers: WalkThreads, lost: Lost
) -> None:
    with lost():
        work(walkers=walkers, linger=0)
        enter(workspace, what)
        go_on(walkers)

        assert states() == [(RunState.SUCCEEDED, "")] * 2


def test_what_is_removed_meanwhile_holds_nothing_any_more(
    what: str, workspace: Workspace, runs: list[Run], walkers: WalkThreads, lost: Lost
) -> None:
    with lost():
        work(walkers=walkers, linger=0)
        workspace.connections.all().delete()
        workspace.variables.all().delete()
        go_on(walkers)

    assert states() == [(RunState.FAILED, "")] * 2


def test_a_damaged_secret_is_no_lost_key(
    what: str, workspace: Workspace, runs: list[Run], walkers: WalkThreads
) -> None:
    workspace.connections.update(sealed=b"damaged")
    workspace.variables.update(sealed=b"damaged")

    work(walkers=walkers, linger=0)

    assert states() == [(RunState.FAILED, "")] * 2
