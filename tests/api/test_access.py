"""Every API URL with a token that writes, one that reads, one of another workspace and an invalid one."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from relay import ids
from relay.api import access
from relay.api.urls import api
from relay.engine.configuration import connections, samples
from relay.engine.files.file_store import FileWriter
from relay.engine.people import api_tokens, members
from relay.engine.runs import bulk_replay
from relay.models import ApiToken, AuditEntry, Flow, Membership, ReplayMode, Role, Run, Scope, User, Workspace
from tests.api.conftest import Caller
from tests.support.browsing import collapsed
from tests.support.issues import issue_of

ZENDESK = {"subdomain": "acme", "email": "ada@example.com", "token": "fedcba9876543210"}
OPERATIONS = sorted(
    (method, f"{prefix}{path}")
    for prefix, router in api._routers
    for path, view in router.path_operations.items()
    for operation in view.operations
    for method in operation.methods
)


def address(path: str, flow: Flow, run: Run) -> str:
    ref = run.event.ref if path.startswith("/events") else run.ref
    if path.startswith("/issues/{ref}"):
        ref = issue_of(flow).ref
    if "{int:sample_id}" in path:
        path = path.replace("{int:sample_id}", str(samples.add(flow, "One", {}).pk))
    if "{step}" in path:
        Run.objects.filter(pk=run.pk).update(trail=[{"id": "big", "kind": "filter", "state": "passed"}])
        path = path.replace("{step}", "big")
    if "{int:connection_id}" in path:
        connection = connections.set_connection(flow.workspace, "One", "zendesk", ZENDESK)
        path = path.replace("{int:connection_id}", str(connection.pk))
    if "{file_id}" in path:
        writer = FileWriter(flow.workspace_id, "a.pdf", "application/pdf", most=100, run_id=run.pk)
        writer.write(b"pdf")
        path = path.replace("{file_id}", ids.text(writer.finish().id))
    if "{int:batch_id}" in path:
        Run.objects.update(state="failed", due_at=None)
        begun = bulk_replay.start(flow.workspace, {}, ReplayMode.FROM_START)
        path = path.replace("{int:batch_id}", str(begun.pk))
    return path.replace("{int:flow_id}", str(flow.pk)).replace("{ref}", ref).replace("{slug}", "low-stock")


def test_there_are_operations() -> None:
    assert ("POST", "/runs/{ref}/send-again") in OPERATIONS
    assert len(OPERATIONS) >= 17


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_each_token_gets_what_it_may(
    method: str, path: str, flow: Flow, run: Run, reader: Caller, stranger: Caller
) -> None:
    where = address(path, flow, run)
    # Recipes are everybody's; a flow made of one is its maker's.
    is_shared = path.startswith("/recipes")
    theirs = 404 if where != path and not is_shared else 200 if method == "GET" or is_shared else 422

    reader(method, where, status=200 if method == "GET" else 403)
    stranger(method, where, status=theirs)
    Caller("relay_" + "x" * 32)(method, where, status=401)
    Caller("")(method, where, status=401)


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_a_browser_that_is_signed_in_is_nobody_here(
    method: str, path: str, flow: Flow, run: Run, owner: User, client: Client
) -> None:
    client.force_login(owner)

    answer = client.generic(method, f"/api/v1{address(path, flow, run)}")

    assert answer.status_code == 401
    assert "Authorization: Bearer" in answer.json()["error"]


@pytest.mark.parametrize(
    ("scope", "becomes", "reads", "writes"),
    [
        (Scope.WRITE, Role.OWNER, 200, 200),
        (Scope.WRITE, Role.EDITOR, 200, 200),
        (Scope.WRITE, Role.VIEWER, 200, 403),
        (Scope.READ, Role.OWNER, 200, 403),
        (Scope.READ, Role.VIEWER, 200, 403),
        (Scope.WRITE, None, 401, 401),
        (Scope.READ, None, 401, 401),
    ],
)
def test_a_token_may_no_more_than_its_maker(
    owner: User, workspace: Workspace, flow: Flow, scope: Scope, becomes: Role | None, reads: int, writes: int
) -> None:
    maker = User.objects.create_user("bob@example.com", "correct horse battery")
    member = Membership.objects.create(workspace=workspace, user=maker, role=Role.OWNER)
    made = Caller(api_tokens.create(workspace, "Bob's", scope, days=0, by=maker))

    if becomes is None:
        members.remove(member, by=owner)
    else:
        members.change_role(member, becomes)

    made("GET", "/flows", status=reads)
    made("POST", f"/flows/{flow.pk}/pause", status=writes)
    gone = AuditEntry.objects.filter(verb="token.revoked", change="bob@example.com is no longer a member")
    assert gone.exists() == (becomes is None)


def test_a_token_goes_with_its_makers_account(workspace: Workspace, flow: Flow) -> None:
    maker = User.objects.create_user("bob@example.com", "correct horse battery", is_active=False)
    Membership.objects.create(workspace=workspace, user=maker, role=Role.OWNER)
    made = Caller(api_tokens.create(workspace, "Bob's", Scope.READ, days=0, by=maker))

    made("GET", "/flows", status=401)
    User.objects.filter(pk=maker.pk).update(is_active=True)
    made("GET", "/flows")
    maker.delete()

    made("GET", "/flows", status=401)
    assert not ApiToken.objects.exists()


def test_a_reading_token_sees_no_url_that_starts_a_flow(call: Caller, reader: Caller, flow: Flow) -> None:
    assert call("GET", f"/flows/{flow.pk}")["url"] == flow.trigger.url
    assert reader("GET", f"/flows/{flow.pk}")["url"] is None
    assert [one["url"] for one in reader("GET", "/flows")["flows"]] == [None]


def test_a_token_ends_at_its_date(call: Caller, flow: Flow) -> None:
    call("GET", "/flows")

    with time_machine.travel(timezone.now() + timedelta(days=1, minutes=1)):
        call("GET", "/flows", status=401)


def test_a_revoked_token_opens_nothing(call: Caller, flow: Flow) -> None:
    api_tokens.revoke(ApiToken.objects.get())

    assert "was revoked" in call("GET", "/flows", status=401)["error"]


def test_only_a_digest_is_kept(call: Caller) -> None:
    assert call.token.startswith("relay_")
    assert call.token not in str(list(ApiToken.objects.values())) + str(list(AuditEntry.objects.values()))


def test_use_is_noted_once_a_minute(call: Caller, flow: Flow) -> None:
    call("GET", "/flows")
    first = ApiToken.objects.get().last_used_at
    call("GET", "/flows")
    second = ApiToken.objects.get().last_used_at
    with time_machine.travel(timezone.now() + timedelta(seconds=61)):
        call("GET", "/flows")

    assert first is not None
    assert second == first
    assert ApiToken.objects.get().last_used_at > first


def test_calls_are_limited(call: Caller, flow: Flow, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access, "CALLS_A_MINUTE", 3)

    with time_machine.travel(timezone.now().replace(second=10, microsecond=0), tick=False):
        for _ in range(3):
            call("GET", "/flows")
        said = call("GET", "/flows", status=429)

    assert said["error"] == "Too many calls: 3 a minute are taken"
    assert call.headers["Retry-After"] == "51"


def test_guessing_tokens_is_limited(db: None) -> None:
    guess = Caller("relay_wrong")

    with time_machine.travel(timezone.now().replace(second=10, microsecond=0), tick=False):
        for _ in range(access.INVALID_A_MINUTE):
            guess("GET", "/flows", status=401)
        guess("GET", "/flows", status=429)


def test_the_audit_log_names_the_token(call: Caller, flow: Flow) -> None:
    call("POST", f"/flows/{flow.pk}/pause")

    last = AuditEntry.objects.latest("id")
    assert (last.kind, last.who, last.verb, last.address) == ("token", "Deploy", "flow.paused", "127.0.0.1")


@pytest.mark.parametrize("path", ["/", "/nothing", "/docs", "/runs/x/y/z"])
def test_not_found_is_json(call: Caller, path: str, workspace: Workspace) -> None:
    assert "nothing here" in call("GET", path, status=404)["error"]


def test_a_wrong_method_is_json(call: Caller) -> None:
    assert call("DELETE", "/flows", status=405)["error"] == "This path takes GET, POST"


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"days": "soon"}, "days"),
        ({"name": " "}, "name"),
        ({"scope": "all"}, "Choose what"),
        ({"days": "3651"}, "3650"),
    ],
)
def test_a_token_that_makes_no_sense(owner: User, client: Client, fields: dict[str, Any], said: str) -> None:
    client.force_login(owner)

    answer = client.post("/workspace/tokens/", {"name": "A", "scope": "read", "days": "1", **fields})

    assert answer.status_code == 422
    assert said in answer.content.decode()


def test_a_token_is_shown_once(owner: User, client: Client) -> None:
    client.force_login(owner)

    page = client.post("/workspace/tokens/", {"name": "Deploy", "scope": "write", "days": "0"}).content.decode()
    token = page.partition('id="once">')[2].partition("<")[0]
    later = collapsed(client.get("/workspace/tokens/"))

    Caller(token)("GET", "/flows")
    assert token not in later
    assert f"…{token[-4:]}" in later
    assert "Read and change · no end" in later


def test_a_token_is_revoked_on_its_page(owner: User, client: Client, call: Caller) -> None:
    client.force_login(owner)

    asked = client.post(f"/workspace/tokens/{ApiToken.objects.get().pk}/revoke/")
    call("GET", "/flows")
    client.post(f"/workspace/tokens/{ApiToken.objects.get().pk}/revoke/", {"sure": "1"})

    assert 'name="sure"' in asked.content.decode()
    call("GET", "/flows", status=401)


def test_scopes_are_two() -> None:
    assert set(Scope.values) == {"read", "write"}
