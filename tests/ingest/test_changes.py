"""A change of a trigger applies to the next request in every web process, and to no other trigger."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connection

from relay.engine.configuration import flow_lifecycle, trigger_secrets
from relay.ingest import group_commit
from relay.ingest.application import Ingest
from relay.models import Flow, Run, TriggerSecret, Workspace
from tests.support.asgi_requests import Answered, ask
from tests.support.running import Valkey

pytestmark = pytest.mark.django_db(transaction=True)

SAY = {"id": "say", "kind": "action", "action": "inbox.post", "inputs": {"text": "x"}}


class Webs:
    """Two web processes of one installation, each with its own cached triggers."""

    def __init__(self) -> None:
        self._loop = asyncio.Runner()
        self.ingests = [Ingest(), Ingest()]

    def __call__(self, path: str, method: str = "POST", **more: Any) -> list[Answered]:
        """The answers of each to the same request."""
        return [self._loop.run(ask(ingest, path, method, **more)) for ingest in self.ingests]

    def listen(self, thread: str) -> list[str]:
        """How the statements begin that these threads of all run from now on."""
        statements: list[str] = []

        def note(execute: Callable[..., Any], statement: str, *more: Any) -> Any:
            if not statement.startswith("BEGIN"):
                statements.append(" ".join(statement.split()[: 2 if statement.startswith("SELECT") else 3]))
            return execute(statement, *more)

        for ingest in self.ingests:
            getattr(ingest.committer, thread).submit(lambda: connection.execute_wrappers.append(note)).result()
        return statements

    def close(self) -> None:
        for ingest in self.ingests:
            self._loop.run(ingest.close())
        self._loop.close()


@pytest.fixture
def webs(monkeypatch: pytest.MonkeyPatch) -> Iterator[Webs]:
    # A request may be refused by a trigger that was read a moment ago; here every trigger is read again.
    monkeypatch.setattr(group_commit, "FRESH_SECONDS", 0.0)
    opened = Webs()
    yield opened
    opened.close()


def made(workspace: Workspace, **trigger: Any) -> Flow:
    document = {"relay": 1, "name": "F", "trigger": {"kind": "webhook", **trigger}, "steps": [SAY]}
    return flow_lifecycle.import_document(workspace, document, publish_it=True)


def change(flow: Flow, **trigger: Any) -> None:
    flow_lifecycle.save_draft(flow, {**flow.draft, "trigger": {"kind": "webhook", **trigger}})
    flow_lifecycle.publish(flow)


def statuses(answers: list[Answered]) -> list[int]:
    return [one.status for one in answers]


CHANGES: dict[str, tuple[Callable[[Flow], object], int]] = {
    "deleted": (flow_lifecycle.delete, 404),
    "another method": (lambda flow: change(flow, methods=["PUT"]), 405),
    "another address": (lambda flow: change(flow, allow_ips=["192.0.2.0/24"]), 403),
    "verified": (lambda flow: change(flow, preset="github"), 401),
    "answers otherwise": (lambda flow: change(flow, response={"status": 201}), 201),
    "starts at a time": (lambda flow: change(flow, kind="schedule", every="1h"), 404),
    "starts by hand": (lambda flow: change(flow, kind="manual"), 404),
}


@pytest.mark.parametrize("redis", ["there", "away"])
@pytest.mark.parametrize("what", CHANGES)
def test_a_change_counts_for_the_very_next_request(
    workspace: Workspace, webs: Webs, what: str, redis: str, valkey: Valkey
) -> None:
    flow = made(workspace)
    path = f"/in/{flow.trigger.token}"
    if redis == "away":
        valkey.stop()
    before = statuses(webs(path))
    act, status = CHANGES[what]

    act(flow)

    assert (before, statuses(webs(path))) == ([202, 202], [status, status])


def test_a_flow_that_starts_by_its_url_again_takes_the_next_request(workspace: Workspace, webs: Webs) -> None:
    flow = made(workspace, kind="manual")
    path = f"/in/{flow.trigger.token}"
    before = statuses(webs(path))

    change(flow)

    assert (before, statuses(webs(path))) == ([404, 404], [202, 202])


def test_a_pause_counts_for_the_very_next_request(workspace: Workspace, webs: Webs) -> None:
    flow = made(workspace)
    path = f"/in/{flow.trigger.token}"

    for act in (flow_lifecycle.pause, flow_lifecycle.resume):
        webs(path)
        act(flow)
    Run.objects.all().delete()
    flow_lifecycle.pause(flow)
    webs(path)

    assert [run.state for run in Run.objects.all()] == ["held", "held"]


def test_probes_are_answered_by_the_trigger_as_it_is(workspace: Workspace, webs: Webs) -> None:
    flow = made(workspace)
    path = f"/in/{flow.trigger.token}"
    webs(path)

    change(flow, methods=["PUT"])
    answers = webs(path, "OPTIONS")

    assert [one.headers["allow"] for one in answers] == ["PUT, HEAD, OPTIONS"] * 2


def test_a_handshake_is_answered_by_the_secret_as_it_is(workspace: Workspace, webs: Webs) -> None:
    flow = made(workspace, preset="meta")
    trigger_secrets.add(flow, {"secret": "app", "verify_token": "tok-en"})
    path = f"/in/{flow.trigger.token}?hub.mode=subscribe&hub.challenge=115&hub.verify_token=tok-en"
    before = webs(path, "GET", body=b"")

    trigger_secrets.remove(TriggerSecret.objects.get())
    after = webs(path, "GET", body=b"")

    assert [one.body for one in before] == [b"115", b"115"]
    assert {one.status for one in after} <= {401, 403}


def test_a_change_in_one_workspace_costs_another_ones_post_nothing(workspace: Workspace, webs: Webs) -> None:
    flow, changed = made(workspace), made(Workspace.objects.create(name="Other"))
    paths = [f"/in/{one.trigger.token}" for one in (flow, changed)]
    for path in paths:
        webs(path)
    triggers = [one.committer.triggers.cached(flow.trigger.token_digest) for one in webs.ingests]
    looked_up, stored = (webs.listen(thread) for thread in ("_reader", "_thread"))

    flow_lifecycle.pause(changed)
    answers = webs(paths[0])

    assert statuses(answers) == [202, 202]
    assert looked_up == []
    assert stored == ["SELECT flow_id,", "INSERT INTO relay_event", "INSERT INTO relay_run"] * 2
    assert [one.committer.triggers.cached(flow.trigger.token_digest) for one in webs.ingests] == triggers
