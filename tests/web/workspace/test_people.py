"""Tests of members, roles, invitations and several workspaces. Alice and Bob own one each; Charlie is new."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
import time_machine
from django.conf import settings
from django.test import Client
from django.utils import timezone

from relay.models import AuditEntry, Invitation, Membership, Role, User, Workspace

CHARLIE = {"email": "charlie@example.com", "password": "correct horse battery"}


@pytest.fixture
def shop(alices: tuple[Client, Workspace]) -> Workspace:
    return alices[1]


def invite(client: Client, role: str = "editor", days: str = "7") -> str:
    """Invite somebody, and return the path of the link that the page shows once."""
    page = client.post("/workspace/people/invite/", {"role": role, "days": days, "note": "Charlie"}).content.decode()
    match = re.search(r'<code id="once">([^<]+)</code>', page)
    assert match
    return match[1].removeprefix(settings.PUBLIC_URL)


def membership(workspace: Workspace, email: str) -> Membership:
    return workspace.memberships.get(user__email=email)


def test_charlie_joins_with_a_new_account(alice: Client, shop: Workspace) -> None:
    charlie = Client()

    answer = charlie.post(invite(alice), CHARLIE, follow=True)

    assert answer.redirect_chain == [("/flows/", 302)]
    assert f"Welcome to {shop.name}." in answer.content.decode()
    assert membership(shop, "charlie@example.com").role == Role.EDITOR


def test_bob_joins_with_the_account_that_he_has(alice: Client, bob: Client, shop: Workspace) -> None:
    link = invite(alice, "viewer")

    page = bob.get(link).content.decode()
    bob.post(link)

    assert "Signed in as bob@example.com" in page
    assert membership(shop, "bob@example.com").role == Role.VIEWER
    assert shop.name in bob.get("/workspace/").content.decode()


def test_an_invitation_works_once(alice: Client, bob: Client) -> None:
    link = invite(alice)
    bob.post(link)

    answer = Client().post(link, CHARLIE)

    assert answer.status_code == 404
    assert not User.objects.filter(email=CHARLIE["email"]).exists()


def test_an_invitation_ends_at_its_date(alice: Client) -> None:
    link = invite(alice, days="2")

    with time_machine.travel(timezone.now() + timedelta(days=2, minutes=1)):
        answer = Client().post(link, CHARLIE)

    assert answer.status_code == 404


def test_an_invitation_can_be_revoked(alice: Client) -> None:
    link = invite(alice)
    assert "Charlie" in alice.get("/workspace/people/").content.decode()

    alice.post(f"/workspace/invitations/{Invitation.objects.get().pk}/revoke/")

    assert Client().get(link).status_code == 404
    assert "Charlie" not in alice.get("/workspace/people/").content.decode()


def test_only_a_digest_of_an_invitation_is_kept(alice: Client) -> None:
    token = invite(alice).split("/")[2]

    kept = str(list(Invitation.objects.values())) + str(list(AuditEntry.objects.values()))

    assert token not in kept
    assert token not in alice.get("/workspace/people/").content.decode()


@pytest.mark.parametrize("days", ["0", "91", "", "soon", "-1"])
def test_invalid_days_of_an_invitation(alice: Client, days: str) -> None:
    answer = alice.post("/workspace/people/invite/", {"role": "editor", "days": days})

    assert answer.status_code == 422
    assert "Choose 1 to 90 days" in answer.content.decode()


def test_a_weak_password_leaves_the_invitation_open(alice: Client) -> None:
    link = invite(alice)

    answer = Client().post(link, {**CHARLIE, "password": "short"})

    assert answer.status_code == 422
    assert Client().get(link).status_code == 200
    assert not User.objects.filter(email=CHARLIE["email"]).exists()


def test_a_member_cannot_join_again(alice: Client) -> None:
    link = invite(alice)

    answer = alice.post(link)

    assert answer.status_code == 422
    assert "a member of alice@example.com already" in answer.content.decode()
    assert Invitation.objects.exists()


def test_a_role_is_changed_and_works_at_once(alice: Client, bob: Client, shop: Workspace) -> None:
    bob.post(invite(alice, "viewer"))
    assert bob.get("/flows/new/").status_code == 403

    alice.post(f"/workspace/people/{membership(shop, 'bob@example.com').pk}/role/", {"role": "editor"})

    assert bob.get("/flows/new/").status_code == 200


def test_a_removed_member_sees_nothing(alice: Client, bob: Client, shop: Workspace, flow: object) -> None:
    bob.post(invite(alice))
    assert "Orders" in bob.get("/flows/").content.decode()

    alice.post(f"/workspace/people/{membership(shop, 'bob@example.com').pk}/remove/", {"sure": "1"})

    assert "Orders" not in bob.get("/flows/").content.decode()


@pytest.mark.parametrize("what", ["leave", "remove", "role"])
def test_the_last_owner_stays(alice: Client, shop: Workspace, what: str) -> None:
    me = membership(shop, "alice@example.com")
    path = "/workspace/people/leave/" if what == "leave" else f"/workspace/people/{me.pk}/{what}/"

    answer = alice.post(path, {"role": "viewer", "sure": "1"}, follow=True)

    assert "needs an owner" in answer.content.decode()
    me.refresh_from_db()
    assert me.role == Role.OWNER


def test_an_owner_leaves_when_there_is_another(alice: Client, bob: Client, shop: Workspace) -> None:
    bob.post(invite(alice, "owner"))

    alice.post("/workspace/people/leave/", {"sure": "1"})

    assert list(shop.memberships.values_list("user__email", flat=True)) == ["bob@example.com"]
    assert alice.get("/account/").status_code == 200


def test_a_person_switches_between_workspaces(alice: Client, bob: Client, shop: Workspace, flow: object) -> None:
    bob.post(invite(alice))
    own = Workspace.objects.get(name="bob@example.com")

    bob.post(f"/workspace/open/{own.pk}/")
    there = bob.get("/flows/").content.decode()
    bob.post(f"/workspace/open/{shop.pk}/")
    back = bob.get("/flows/").content.decode()

    assert "Orders" not in there
    assert "Orders" in back


def test_a_further_workspace_is_ones_own(alice: Client) -> None:
    alice.post("/workspace/new/", {"name": "Second"})

    assert "Second" in alice.get("/workspace/").content.decode()
    assert Membership.objects.filter(user__email="alice@example.com").count() == 2


def test_an_owner_makes_a_link_for_a_new_password(alice: Client, shop: Workspace) -> None:
    charlie = Client()
    charlie.post(invite(alice), CHARLIE)
    pk = membership(shop, "charlie@example.com").pk

    page = alice.post(f"/workspace/people/{pk}/reset-link/").content.decode()

    link = re.search(r'<code id="once">([^<]+)</code>', page)
    assert link
    assert Client().get(link[1].removeprefix(settings.PUBLIC_URL)).status_code == 200


def test_no_owner_gets_into_other_workspaces_by_a_link(alice: Client, bob: Client, shop: Workspace) -> None:
    bob.post(invite(alice))

    answer = alice.post(f"/workspace/people/{membership(shop, 'bob@example.com').pk}/reset-link/")

    assert answer.status_code == 422
    assert "also in a workspace that isn" in answer.content.decode()
