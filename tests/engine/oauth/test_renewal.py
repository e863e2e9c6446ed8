"""Access tokens are renewed once, in time, and after a 401; runs without one are held and continue."""

from __future__ import annotations

import dataclasses
import json
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connections as databases

from relay.connectors.definition import TOKENS
from relay.engine import http_client
from relay.engine.configuration import connections
from relay.engine.database import statements
from relay.engine.flow_control import circuit_breaker
from relay.engine.oauth import authorizations, clients, renewal, status
from relay.engine.walk.work_item import TokenRenewal
from relay.engine.worker.thread_pool import WalkThreads
from relay.engine.worker.work_loop import work
from relay.errors import RelayError
from relay.models import Attempt, AuditEntry, Connection, Destination, HeldBy, Issue, Run, RunState, Workspace
from relay.models.fields import micros, moment
from tests.engine.oauth.conftest import add_connector, document, give_tokens
from tests.support.authorization_server import CLIENT_ID, CLIENT_SECRET, EXAMPLE, AuthorizationServer
from tests.support.running import wait_until

pytestmark = pytest.mark.django_db(transaction=True)
Connected = Callable[..., Connection]


def make_due() -> None:
    Run.objects.filter(due_at__isnull=False).update(due_at=statements.now())


def work_until(walkers: WalkThreads, holds: Callable[[], Any]) -> None:
    """Work, with runs that were put back due at once, until something holds."""

    def step() -> Any:
        work(walkers=walkers)
        make_due()
        return holds()

    wait_until(step, what="the runs are through")


def states() -> set[str]:
    return set(Run.objects.values_list("state", flat=True))


def test_a_valid_token_is_used_and_nothing_is_renewed(live, arrive, walkers, server, connected: Connected) -> None:
    connected()
    arrive(live(document()))

    work(walkers=walkers)

    assert states() == {RunState.SUCCEEDED}
    assert (server.told, server.asked.total()) == (['{"text":"hello"}'], 0)


def test_an_expired_token_is_renewed_before_anything_is_sent(live, arrive, walkers, server, connected) -> None:
    before = connected(lifetime=-1).unseal()
    arrive(live(document()), *(b"{}" for _ in range(20)))

    work_until(walkers, lambda: states() == {RunState.SUCCEEDED})

    after = Connection.objects.get()
    assert (server.refreshes, server.asked["refresh_token"], server.unauthorized) == (1, 1, 0)
    assert set(Run.objects.values_list("tries", flat=True)) == {0}
    assert all(after.unseal()[key] != before[key] for key in TOKENS)
    assert after.unseal()["region"] == "eu"
    assert micros(after.token_expires_at) > statements.now() + 3_500_000_000


def test_a_token_near_its_end_is_used_and_renewed_beside(live, arrive, walkers, server, connected) -> None:
    connected(lifetime=100, renewed=3500)
    arrive(live(document()))

    work(walkers=walkers)

    assert states() == {RunState.SUCCEEDED}
    wait_until(lambda: server.refreshes == 1)
    assert server.unauthorized == 0


def test_a_token_with_a_short_life_is_not_renewed_all_the_time(live, arrive, walkers, server, connected) -> None:
    connected(lifetime=50, renewed=10)
    arrive(live(document()))

    work(walkers=walkers)

    assert server.asked.total() == 0


def test_a_refused_token_is_renewed_once_and_the_run_continues(live, arrive, walkers, server, connected) -> None:
    connected()
    server.expire_all()
    server.pause = 1.0
    arrive(live(document()))

    work_until(walkers, lambda: states() == {RunState.SUCCEEDED})

    assert (server.refreshes, server.unauthorized) == (1, 1)
    assert list(Attempt.objects.order_by("id").values_list("state", "status")) == [("retry", 401), ("succeeded", 200)]


def test_a_service_that_refuses_every_token_holds_the_run(
    live, arrive, walkers, server, connected, monkeypatch
) -> None:
    connected()
    monkeypatch.setattr(server, "accepts", lambda header: False)
    arrive(live(document()))

    work_until(walkers, lambda: states() == {RunState.HELD})
    work(walkers=walkers)

    run = Run.objects.get()
    assert (run.held_by, run.tries, server.refreshes, server.unauthorized) == (HeldBy.CREDENTIAL, 0, 1, 2)
    assert Issue.objects.get().kind == "credential"


def test_a_revoked_authorization_holds_runs_until_it_is_connected_again(
    live, arrive, walkers, server: AuthorizationServer, connected
) -> None:
    connection = connected(lifetime=-1)
    server.revoke_all()
    flow = live(document())
    arrive(flow, b"{}", b"{}")

    work_until(walkers, lambda: states() == {RunState.HELD})
    arrive(flow)
    work_until(walkers, lambda: states() == {RunState.HELD})
    connection.refresh_from_db()

    assert server.asked["refresh_token"] == 1
    assert status.state_of(connection) == status.REFUSED
    assert "Connect again" in Run.objects.first().reason
    assert set(Run.objects.values_list("held_by", flat=True)) == {HeldBy.CREDENTIAL}
    assert Issue.objects.get().alert_at is not None
    assert AuditEntry.objects.filter(verb="connection.token_refused").count() == 1

    give_tokens(server, connection, lifetime=3600)
    work_until(walkers, lambda: circuit_breaker.tick() or states() == {RunState.SUCCEEDED})
    assert not Destination.objects.exists()


def test_a_connection_that_was_never_connected_holds_runs(live, arrive, walkers, server, workspace: Workspace) -> None:
    connections.set_connection(workspace, "Ex", "example", {})
    arrive(live(document()))

    work(walkers=walkers)

    run = Run.objects.get()
    assert (run.state, run.held_by) == (RunState.HELD, HeldBy.CREDENTIAL)
    assert run.reason == "It isn't connected to Example; choose Connect under Connections"
    assert server.told == []


def test_without_a_refresh_token_the_end_of_the_access_holds_runs(live, arrive, walkers, server, connected) -> None:
    connection = connected(lifetime=-1)
    connection.seal({**connection.unseal(), "refresh_token": ""})
    connection.save()
    arrive(live(document()))

    work(walkers=walkers)

    assert "gave none to renew it with" in Run.objects.get().reason
    assert server.asked.total() == 0


def test_a_token_endpoint_that_fails_now_and_then_delays_runs(live, arrive, walkers, server, connected) -> None:
    connected(lifetime=-1)
    server.fails = [503, 429]
    arrive(live(document()))

    def end_the_pause() -> bool:
        Connection.objects.exclude(token_fault="").update(renewing_until=moment(statements.now() - 1))
        return states() == {RunState.SUCCEEDED}

    work_until(walkers, end_the_pause)

    assert server.refreshes == 1
    assert Connection.objects.get().renewal_faults == 0
    assert Run.objects.get().tries == 0


def test_a_token_endpoint_that_keeps_failing_holds_runs_until_it_answers(
    live, arrive, walkers, server, connected
) -> None:
    connected(lifetime=-1)
    server.fails = [500] * 4
    arrive(live(document()), *(b"{}" for _ in range(5)))

    def end_the_pause() -> bool:
        faults = Connection.objects.get().renewal_faults
        if faults < 3:
            Connection.objects.exclude(token_fault="").update(renewing_until=moment(statements.now() - 1))
        return states() == {RunState.HELD}

    work_until(walkers, end_the_pause)
    held_by = set(Run.objects.values_list("held_by", flat=True))
    reason = Run.objects.first().reason

    def probe() -> bool:
        Connection.objects.exclude(token_fault="").update(renewing_until=moment(statements.now() - 1))
        Destination.objects.update(probe_at=moment(statements.now() - 1))
        circuit_breaker.tick()
        walkers.limiter.set_open_circuits(circuit_breaker.open_circuits())
        return states() == {RunState.SUCCEEDED}

    work_until(walkers, probe)

    assert held_by == {HeldBy.DESTINATION}
    assert "Example: the answer was 500" in reason
    assert server.refreshes == 1
    assert Issue.objects.get().kind == "destination"


def test_of_many_takers_one_has_the_lease(server, connected) -> None:
    connection = connected(lifetime=-1)
    wanted = TokenRenewal(connection.pk, connection.token_revision)
    barrier, taken = threading.Barrier(8), []

    def take() -> None:
        barrier.wait()
        taken.append(renewal.take(wanted))
        databases.close_all()

    threads = [threading.Thread(target=take) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sum(lease is not None for lease in taken) == 1


def test_a_lease_ends_and_its_late_holder_still_stores_what_is_newest(server, connected) -> None:
    connection = connected(lifetime=-1)
    first = renewal.take(TokenRenewal(connection.pk, connection.token_revision))
    Connection.objects.update(renewing_until=moment(statements.now() - 1))
    second = renewal.take(TokenRenewal(connection.pk, connection.token_revision))

    renewal.renew(first)
    renewal.renew(second)

    connection.refresh_from_db()
    assert second is not None
    assert server.asked["refresh_token"] == 1  # the second one finds a new revision
    assert status.state_of(connection) == status.CONNECTED
    assert renewal.take(TokenRenewal(connection.pk, first.revision)) is None


def test_a_reconnection_during_a_renewal_wins(server, connected) -> None:
    connection = connected(lifetime=-1)
    lease = renewal.take(TokenRenewal(connection.pk, connection.token_revision))
    server.hold = threading.Event()
    thread = threading.Thread(target=lambda: (renewal.renew(lease), databases.close_all()))
    thread.start()
    server.reached.wait(5)
    give_tokens(server, connection, lifetime=3600)
    newest = Connection.objects.get().unseal()
    server.hold.set()
    thread.join()

    assert Connection.objects.get().unseal() == newest


def test_a_change_of_a_field_during_a_renewal_keeps_both(server, connected, workspace: Workspace) -> None:
    connection = connected(lifetime=-1)
    lease = renewal.take(TokenRenewal(connection.pk, connection.token_revision))
    server.hold = threading.Event()
    thread = threading.Thread(target=lambda: (renewal.renew(lease), databases.close_all()))
    thread.start()
    server.reached.wait(5)
    connections.set_connection(workspace, "Ex", "example", {"region": "us"})
    server.hold.set()
    thread.join()

    values = Connection.objects.get().unseal()
    assert values["region"] == "us"
    assert server.accepts(f"Bearer {values['access_token']}")
    assert status.state_of(Connection.objects.get()) == status.CONNECTED


def test_a_process_that_ended_before_its_commit_leads_to_one_reconnection(
    live, arrive, walkers, server, connected
) -> None:
    connection = connected(lifetime=-1)
    # The service has rotated the token, and nobody has stored the new one.
    server.token({"grant_type": "refresh_token", "refresh_token": connection.unseal()["refresh_token"],
                  "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}, "")  # fmt: skip
    arrive(live(document()))

    work_until(walkers, lambda: states() == {RunState.HELD})

    assert status.state_of(Connection.objects.get()) == status.REFUSED


def test_within_the_grace_of_the_service_nobody_notices(live, arrive, walkers, server, connected) -> None:
    connection = connected(lifetime=-1)
    server.grace = 1
    server.token({"grant_type": "refresh_token", "refresh_token": connection.unseal()["refresh_token"],
                  "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}, "")  # fmt: skip
    arrive(live(document()))

    work_until(walkers, lambda: states() == {RunState.SUCCEEDED})

    assert server.refreshes == 2


def test_a_wrong_client_holds_runs_until_it_is_entered_again(
    live, arrive, walkers, server, connected, workspace: Workspace
) -> None:
    connected(lifetime=-1)
    clients.set_client(workspace, "example", CLIENT_ID, "wrong")
    arrive(live(document()))
    work_until(walkers, lambda: states() == {RunState.HELD})
    reason = Run.objects.get().reason

    clients.set_client(workspace, "example", CLIENT_ID, CLIENT_SECRET)
    work_until(walkers, lambda: circuit_breaker.tick() or states() == {RunState.SUCCEEDED})

    assert "doesn't accept the client's id and secret" in reason


def test_no_token_is_stored_in_the_clear_or_shown(live, arrive, walkers, server, connected, caplog) -> None:
    connection = connected()
    secrets = {connection.unseal()[key] for key in TOKENS} | {CLIENT_SECRET}
    server.expire_all()
    server.fails, server.echoes = [500], True
    arrive(live(document()))

    def end_the_pause() -> bool:
        Connection.objects.exclude(token_fault="").update(renewing_until=moment(statements.now() - 1))
        return states() == {RunState.SUCCEEDED}

    work_until(walkers, end_the_pause)
    server.revoke_all()
    with pytest.raises(RelayError) as refused:
        renewal.renew_now(Connection.objects.get())
    secrets |= {Connection.objects.get().unseal()[key] for key in TOKENS}

    kept = [str(refused.value), caplog.text]
    for model in (Attempt, Run, Issue, AuditEntry, Destination):
        kept += [json.dumps(row, default=str) for row in model.objects.values()]
    kept += [json.dumps({**row, "sealed": ""}, default=str) for row in Connection.objects.values()]
    assert len(secrets) == 5
    assert not [secret for secret in secrets for text in kept if secret in text]
    assert "••••••" in "".join(kept)


def test_a_machine_gets_its_token_without_a_person(live, arrive, walkers, server, workspace: Workspace) -> None:
    values = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
    connections.set_connection(workspace, "Ex", "machine", values)
    arrive(live(document(action="machine.tell")))

    work_until(walkers, lambda: states() == {RunState.SUCCEEDED})
    first = Connection.objects.get()
    connections.set_connection(workspace, "Ex", "machine", values)
    arrive(live(document(action="machine.tell")))
    work_until(walkers, lambda: states() == {RunState.SUCCEEDED})

    assert status.state_of(first) == status.CONNECTED
    assert server.asked == {"client_credentials": 2}


def test_disconnecting_revokes_and_holds(live, arrive, walkers, server, connected) -> None:
    connection = connected()
    former = connection.unseal()

    hint = authorizations.disconnect(connection)
    arrive(live(document()))
    work(walkers=walkers)

    assert hint == ""
    assert server.revoked == [former["refresh_token"]]
    assert Connection.objects.get().unseal() == {"region": "eu"}
    assert Run.objects.get().held_by == HeldBy.CREDENTIAL
    assert AuditEntry.objects.filter(verb="connection.disconnected").exists()


def test_a_service_that_is_away_does_not_keep_a_connection_connected(server, connected, settings) -> None:
    connection = connected()
    server.__exit__()

    hint = authorizations.disconnect(connection)

    assert "could not be revoked at Example" in hint
    assert status.state_of(Connection.objects.get()) == status.NOT_CONNECTED


def test_a_token_endpoint_is_called_like_any_other_address(server, connected, settings: Any) -> None:
    """The address guard holds for it too; nobody has to connect again because of a setting."""
    connection = connected(lifetime=-1)
    settings.ALLOWED_NETWORKS = []
    http_client.sender().close()
    http_client.sender.cache_clear()

    with pytest.raises(RelayError, match="private"):
        renewal.renew_now(connection)

    assert server.asked.total() == 0
    assert status.state_of(Connection.objects.get()) == status.DELAYED


def test_a_change_of_the_host_ends_the_tokens(
    server, connected, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A person who edits a connection can't have its tokens sent to another host."""
    connection = connected()
    moving = dataclasses.replace(EXAMPLE, hosts=("{{ connection.region }}.accounts.example.com",), actions=())
    add_connector(monkeypatch, moving)

    connections.set_connection(workspace, "Ex", "example", {"region": "eu"})
    kept = Connection.objects.get().unseal().keys()
    connections.set_connection(workspace, "Ex", "example", {"region": "us"})

    assert set(TOKENS) <= kept
    assert Connection.objects.get().unseal() == {"region": "us"}
    assert status.state_of(Connection.objects.get()) == status.NOT_CONNECTED
    assert Connection.objects.get().token_revision == connection.token_revision + 1


def test_a_clock_that_was_set_back_does_not_lock_a_token(server, connected) -> None:
    connection = connected(lifetime=-1)
    Connection.objects.update(renewing_until=moment(int((time.time() + 86_400) * 1e6)))

    assert renewal.take(TokenRenewal(connection.pk, connection.token_revision)) is not None
