"""Tests that every URL, method and role behaves as `relay.web.auth.permissions` says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from django.conf import settings
from django.db import transaction
from django.test import Client
from django.urls import URLPattern, get_resolver, reverse

from relay import ids
from relay.engine.configuration import connections, samples, variables
from relay.engine.files import links
from relay.engine.files.file_store import FileWriter
from relay.engine.intake import sample_events
from relay.engine.people import accounts, api_tokens, members
from relay.engine.runs import bulk_replay
from relay.models import (
    ApiToken,
    Event,
    Flow,
    Invitation,
    Membership,
    Rejection,
    ReplayMode,
    Role,
    Run,
    Scope,
    TriggerSecret,
    User,
    Workspace,
)
from relay.web.auth.permissions import REQUIRED, Anyone
from tests.support.browsing import Browser
from tests.support.issues import issue_of

# A person from another workspace, and a browser that is not signed in.
STRANGER, NOBODY = "stranger", "nobody"
WHO = (*Role.values, STRANGER, NOBODY)
DONE = {200, 204, 302, 422}
# Links that contain their own key: 404 without the right one.
KEYED = {"setup", "reset", "join", "forgotten"}
# Answers 404 to a form that names no field of the flow.
NAMES_A_FIELD = {"choices"}
TOKEN = "x" * 24
PATTERNS = [one for one in get_resolver().url_patterns if isinstance(one, URLPattern)]
CASES = sorted((name, method) for name, methods in REQUIRED.items() for method in methods)


def _parameters(name: str) -> set[str]:
    """Return the names of the parameters in a URL."""
    pattern = next(one.pattern for one in PATTERNS if one.name == name)
    return set(pattern.converters) | set(pattern.regex.groupindex)


@dataclass
class World:
    """A workspace with an owner, an editor, a viewer and one row of each kind, and a stranger elsewhere."""

    clients: dict[str, Client]
    arguments: dict[str, Any]

    def ask(self, who: str, name: str, method: str, **headers: str) -> Any:
        wanted = _parameters(name)
        address = reverse(name, kwargs={key: self.arguments[key] for key in wanted})
        if name == "file":
            address = links.path(self.arguments["file_id"])  # with its signature
        return self.clients[who].generic(method, address, headers=headers)

    def has_things(self, name: str) -> bool:
        """Return whether the URL names a row of the workspace."""
        return bool(_parameters(name) - {"connector_key", "form", "slug", "page"})


@pytest.fixture
def world(workspace: Workspace, flow_of: Any, book: None) -> World:
    clients = {NOBODY: Browser()}
    for who in (*Role.values, STRANGER):
        user = User.objects.create_user(f"{who}@example.com", "correct horse battery")
        home = workspace if who != STRANGER else Workspace.objects.create(name="Elsewhere")
        Membership.objects.create(workspace=home, user=user, role=who if who != STRANGER else Role.OWNER)
        clients[who] = Browser()
        clients[who].force_login(user)
    return World(clients, _things(workspace, flow_of))


@pytest.mark.parametrize(("who", "is_shown"), [(Role.VIEWER, False), (Role.EDITOR, True), (Role.OWNER, True)])
def test_a_viewer_does_not_see_trigger_urls(world: World, flow_of: Flow, who: Role, is_shown: bool) -> None:
    pages = [
        world.clients[who].get(f"/flows/{flow_of.pk}/{more}").content.decode()
        for more in ("", "?step=trigger", "versions/", "runs/")
    ]

    assert any(flow_of.trigger.token in page for page in pages) == is_shown


@pytest.fixture
def flow_of(workspace: Workspace) -> Flow:
    from relay.engine.configuration import flow_lifecycle
    from tests.web.conftest import DOCUMENT

    return flow_lifecycle.import_document(workspace, DOCUMENT, publish_it=True)


def _things(workspace: Workspace, flow: Flow) -> dict[str, Any]:
    run = sample_events.send_sample(flow).runs.get()
    trail = [{"id": "big", "kind": "filter", "state": "passed"}]
    Run.objects.filter(pk=run.pk).update(state="succeeded", due_at=None, finished_at=run.event.received_at, trail=trail)
    values = {"key": "0" * 32, "token": "ATTA" + "0" * 72}
    return {
        "flow_id": flow.pk,
        "number": 1,
        "run_id": run.pk,
        "event_id": _captured(workspace).pk,
        "step": "big",
        "batch_id": bulk_replay.start(workspace, {"flow": flow.pk}, ReplayMode.FROM_START).pk,
        "rejection_id": _rejection(workspace, flow).pk,
        "connection_id": connections.set_connection(workspace, "Board", "trello", values).pk,
        "connector_key": "trello",
        "slug": "low-stock",
        "page": "steps",
        "variable_id": variables.set_variable(workspace, "shop", "Acme").pk,
        "token": TOKEN,
        "user_id": 999_999,
        "member_id": workspace.memberships.get(role=Role.VIEWER).pk,
        "invitation_id": _invitation(workspace).pk,
        "workspace_id": workspace.pk,
        "token_id": _token(workspace).pk,
        "form": "csv",
        "file_id": _file(workspace, run),
        "secret_id": _secret(flow).pk,
        "sample_id": samples.add(flow, "Order", {"body": {"id": 7}}).pk,
        "session_id": 999_999,
        "issue_id": issue_of(flow).pk,
        "pk": 999_999,
    }


def _captured(workspace: Workspace) -> Event:
    from relay.engine.configuration import flow_lifecycle
    from tests.web.conftest import DOCUMENT

    return sample_events.send_sample(flow_lifecycle.import_document(workspace, DOCUMENT, publish_it=False))


def _invitation(workspace: Workspace) -> Invitation:
    members.invite(workspace, Role.EDITOR, days=7)
    return workspace.invitations.get()


def _token(workspace: Workspace) -> ApiToken:
    api_tokens.create(workspace, "Deploy", Scope.READ, days=0)
    return workspace.tokens.get()


def _file(workspace: Workspace, run: Run) -> str:
    writer = FileWriter(workspace.pk, "a.pdf", "application/pdf", most=100, run_id=run.pk)
    writer.write(b"pdf")
    return ids.text(writer.finish().id)


def _secret(flow: Flow) -> TriggerSecret:
    secret = TriggerSecret(trigger=flow.trigger)
    secret.seal({"secret": "x"})
    secret.save()
    return secret


def _rejection(workspace: Workspace, flow: Flow) -> Rejection:
    return Rejection.objects.create(
        workspace=workspace, flow=flow, why="method", status=405, reason="GET", method="GET"
    )


def test_every_address_is_in_the_table_once() -> None:
    names = [one.name for one in PATTERNS]

    assert set(names) == set(REQUIRED)
    assert len(names) == len(set(names))
    assert len(PATTERNS) == len(get_resolver().url_patterns)


@pytest.mark.exhaustive
@pytest.mark.parametrize(("name", "method"), CASES)
def test_each_role_gets_what_the_table_says(world: World, name: str, method: str) -> None:
    required = REQUIRED[name][method]

    statuses = {who: _status(world, who, name, method) for who in WHO}

    for who, status in statuses.items():
        assert status in _expected(world, name, required, who), (who, status)


def _status(world: World, who: str, name: str, method: str) -> int:
    """Return the status, and roll back the changes."""
    with transaction.atomic():
        status: int = world.ask(who, name, method).status_code
        transaction.set_rollback(True)
    return status


def _expected(world: World, name: str, required: Role | Anyone, who: str) -> set[int]:
    if required is Anyone.OPEN:
        return {404} if name in KEYED else DONE
    if who == NOBODY:
        return {302}
    if required is Anyone.PERSON:
        return DONE | {404}
    if who == STRANGER:
        return {404} if world.has_things(name) else DONE
    if Role(who).allows(required):
        return {404} if name in NAMES_A_FIELD else DONE
    return {403}


@pytest.mark.exhaustive
@pytest.mark.parametrize(
    ("name", "method"), [case for case in CASES if not isinstance(REQUIRED[case[0]][case[1]], Anyone)]
)
def test_who_is_not_signed_in_is_sent_to_sign_in(world: World, name: str, method: str) -> None:
    answer = world.ask(NOBODY, name, method)

    assert answer["Location"].startswith("/sign-in/?next=/")


@pytest.mark.exhaustive
@pytest.mark.parametrize("name", sorted(REQUIRED))
def test_other_methods_are_refused(world: World, name: str) -> None:
    others = {"GET", "POST", "PUT", "DELETE", "PATCH"} - set(REQUIRED[name])

    for method in others:
        assert world.ask(Role.OWNER, name, method).status_code in {302, 404, 405}


@pytest.mark.exhaustive
@pytest.mark.parametrize("name", sorted(name for name, methods in REQUIRED.items() if "POST" in methods))
def test_every_form_is_safe_from_other_sites(world: World, name: str) -> None:
    world.clients[Role.OWNER].handler.enforce_csrf_checks = True

    answer = world.ask(Role.OWNER, name, "POST")

    assert answer.status_code == 403
    assert "That form was refused" in answer.content.decode()


def test_there_is_no_admin() -> None:
    assert "django.contrib.admin" not in settings.INSTALLED_APPS
    assert Client().get("/admin/").status_code == 404


def test_a_refusal_names_the_required_role(world: World) -> None:
    page = world.ask(Role.VIEWER, "new-flow", "GET").content.decode()

    assert "In this workspace your role is viewer; this requires the role editor. Ask an owner." in page


@pytest.mark.parametrize("name", ["flows", "flow", "run", "runs", "issues", "issue", "held", "connections"])
def test_a_viewer_is_offered_nothing_that_would_be_refused(world: World, name: str) -> None:
    page = world.ask(Role.VIEWER, name, "GET").content.decode()

    assert 'class="looks"' in page
    assert reverse("new-flow") not in page
    assert reverse("new-connection") not in page


def test_a_person_of_two_workspaces_sees_one_at_a_time(world: World) -> None:
    user = User.objects.get(email="stranger@example.com")
    Membership.objects.create(workspace=Workspace.objects.get(name="Acme"), user=user, role=Role.VIEWER)

    assert world.ask(STRANGER, "flow", "GET").status_code == 404


def test_the_first_account_is_an_owner(db: None) -> None:
    user = accounts.add_user("ada@example.com", "correct horse battery")

    assert user.memberships.get().role == Role.OWNER
