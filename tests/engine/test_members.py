"""Two at once: the last owner stays, and an invitation makes one member."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connection

from relay.engine import members
from relay.errors import RelayError
from relay.models import Membership, Role, User, Workspace


def both(*acts: Callable[[], object]) -> list[bool]:
    """Do these at the same moment, each on a connection of its own; which were not refused."""
    start = Barrier(len(acts))

    def run(act: Callable[[], object]) -> bool:
        start.wait()
        try:
            act()
        except RelayError:
            return False
        finally:
            connection.close()
        return True

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(run, acts))


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("act", ["leave", "demote"])
def test_two_owners_leave_at_once(act: str) -> None:
    workspace = Workspace.objects.create(name="Acme")
    people = [User.objects.create_user(f"{name}@example.com", "correct horse battery") for name in "ab"]
    rows = [Membership.objects.create(workspace=workspace, user=user, role=Role.OWNER) for user in people]
    verb = members.remove if act == "leave" else lambda row: members.change_role(row, Role.VIEWER)

    done = both(*(lambda row=row: verb(row) for row in rows))

    assert sorted(done) == [False, True]
    assert workspace.memberships.filter(role=Role.OWNER).count() == 1


@pytest.mark.parametrize("becomes", [None, Role.EDITOR, Role.VIEWER, Role.OWNER])
def test_an_invitation_outlives_no_owner(owner: User, workspace: Workspace, becomes: Role | None) -> None:
    maker = User.objects.create_user("bob@example.com", "correct horse battery")
    member = Membership.objects.create(workspace=workspace, user=maker, role=Role.OWNER)
    token = members.invite(workspace, Role.OWNER, days=1, by=maker).rstrip("/").rpartition("/")[2]
    members.invite(workspace, Role.OWNER, days=1, by=owner)

    if becomes is None:
        members.remove(member)
    else:
        members.change_role(member, becomes)

    assert (members.invitation(token) is not None) == (becomes == Role.OWNER)
    assert workspace.invitations.count() == (2 if becomes == Role.OWNER else 1)


@pytest.mark.django_db(transaction=True)
def test_two_open_an_invitation_at_once() -> None:
    workspace = Workspace.objects.create(name="Acme")
    people = [User.objects.create_user(f"{name}@example.com", "correct horse battery") for name in "ab"]
    found = members.invitation(members.invite(workspace, Role.EDITOR, days=1).rstrip("/").rpartition("/")[2])
    assert found is not None

    done = both(*(lambda user=user: members.join(found, user) for user in people))

    assert sorted(done) == [False, True]
    assert workspace.memberships.count() == 1
