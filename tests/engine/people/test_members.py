"""Tests concurrent changes: the last owner stays, an invitation makes one member, there is one first account."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connection

from relay.engine.people import accounts, members, password_resets
from relay.errors import RelayError
from relay.models import Membership, Role, User, Workspace


def both(*acts: Callable[[], object]) -> list[bool]:
    """Call these at the same time, each on its own connection; return those that were not refused."""
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

    assert (members.find_invitation(token) is not None) == (becomes == Role.OWNER)
    assert workspace.invitations.count() == (2 if becomes == Role.OWNER else 1)


@pytest.mark.django_db(transaction=True)
def test_two_open_an_invitation_at_once() -> None:
    workspace = Workspace.objects.create(name="Acme")
    people = [User.objects.create_user(f"{name}@example.com", "correct horse battery") for name in "ab"]
    found = members.find_invitation(members.invite(workspace, Role.EDITOR, days=1).rstrip("/").rpartition("/")[2])
    assert found is not None

    done = both(*(lambda user=user: members.join(found, user) for user in people))

    assert sorted(done) == [False, True]
    assert workspace.memberships.count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_make_the_first_account_at_once() -> None:
    done = both(
        *(
            lambda name=name: accounts.create_first_account(f"{name}@example.com", "correct horse battery")
            for name in "ab"
        )
    )

    assert sorted(done) == [False, True]
    assert (User.objects.count(), Workspace.objects.count()) == (1, 1)


@pytest.mark.django_db(transaction=True)
def test_two_make_an_account_of_one_address_at_once() -> None:
    workspace = Workspace.objects.create(name="Acme")
    links = [members.invite(workspace, Role.EDITOR, days=1).rstrip("/").rpartition("/")[2] for _ in "ab"]
    found = [one for link in links if (one := members.find_invitation(link))]

    done = both(*(lambda one=one: members.join_as_new(one, "a@example.com", "correct horse battery") for one in found))

    assert sorted(done) == [False, True]
    assert (User.objects.count(), workspace.invitations.count()) == (1, 1)


@pytest.mark.django_db(transaction=True)
def test_two_use_a_link_for_a_password_at_once() -> None:
    user = User.objects.create_user("a@example.com", "correct horse battery")
    token = password_resets.make_link(user).rstrip("/").rpartition("/")[2]

    done = both(
        *(
            lambda word=word: password_resets.set_password(user.pk, token, f"some long {word}")
            for word in ("one", "two")
        )
    )

    assert sorted(done) == [False, True]


@pytest.mark.django_db(transaction=True)
def test_somebody_joins_elsewhere_while_an_owner_uses_a_link_for_them() -> None:
    """In either order, the owner can't choose the password once the person is in the other workspace."""
    shop, other = (Workspace.objects.create(name=name) for name in ("Shop", "Other"))
    owner, user = (User.objects.create_user(f"{name}@example.com", "correct horse battery") for name in "ab")
    Membership.objects.create(workspace=shop, user=owner, role=Role.OWNER)
    Membership.objects.create(workspace=shop, user=user, role=Role.EDITOR)
    token = password_resets.make_link(user, by=owner).rstrip("/").rpartition("/")[2]
    found = members.find_invitation(members.invite(other, Role.OWNER, days=1).rstrip("/").rpartition("/")[2])
    assert found is not None

    joined, _ = both(
        lambda: members.join(found, user), lambda: password_resets.set_password(user.pk, token, "some long words")
    )

    assert joined
    with pytest.raises(RelayError, match="used or has expired"):
        password_resets.set_password(user.pk, token, "other long words")
