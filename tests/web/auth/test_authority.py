"""Tests that links, invitations and tokens end with the authority of the person who made them.

Each kind is tested against each event that can end it. Alice, an owner of the shop, makes links and tokens; Ed is an
editor there, and gets them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
import time_machine
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.test import Client
from django.utils import timezone

from relay.engine.people import accounts, api_tokens, members, password_resets
from relay.errors import RelayError
from relay.models import Membership, Role, Scope, User, Workspace
from relay.web.auth.allauth_adapters import MfaAdapter
from tests.support.browsing import Browser
from tests.web.auth.test_account import code

PASSWORD = "correct horse battery"
SECRET = "JBSWY3DPEHPK3PXP"  # of an authenticator app
NEW = {"password": "another long phrase"}


class World:
    """The shop with its people, and another workspace that Alice has no say in."""

    def __init__(self) -> None:
        self.shop, self.other = (Workspace.objects.create(name=name) for name in ("Shop", "Other"))
        self.alice, self.ed, self.olga, self.bob = (
            User.objects.create_user(f"{name}@example.com", PASSWORD) for name in ("alice", "ed", "olga", "bob")
        )
        for workspace, user, role in (
            (self.shop, self.alice, Role.OWNER),
            (self.shop, self.olga, Role.OWNER),
            (self.shop, self.ed, Role.EDITOR),
            (self.other, self.bob, Role.OWNER),
        ):
            Membership.objects.create(workspace=workspace, user=user, role=role)
        sealed = {"secret": MfaAdapter().encrypt(SECRET)}
        self.app = Authenticator.objects.create(user=self.ed, type="totp", data=sealed)

    def member(self, user: User) -> Membership:
        return Membership.objects.get(workspace=self.shop, user=user)

    def joins(self, role: Role) -> None:
        """Ed joins the other workspace, by an invitation of its owner."""
        token = members.invite(self.other, role, days=1, by=self.bob).rstrip("/").rpartition("/")[2]
        invitation = members.find_invitation(token)
        assert invitation is not None
        members.join(invitation, self.ed)


@pytest.fixture
def world(db: None) -> World:
    return World()


ENDS: dict[str, Callable[[World], object]] = {
    "nothing": lambda world: None,
    "the maker becomes an editor": lambda world: members.change_role(world.member(world.alice), Role.EDITOR),
    "the maker becomes a viewer": lambda world: members.change_role(world.member(world.alice), Role.VIEWER),
    "the maker's role is changed in the database": lambda world: Membership.objects.filter(user=world.alice).update(
        role=Role.VIEWER
    ),
    "the maker is removed": lambda world: members.remove(world.member(world.alice)),
    "the maker's membership goes in the database": lambda world: Membership.objects.filter(user=world.alice).delete(),
    "the maker is disabled": lambda world: User.objects.filter(pk=world.alice.pk).update(is_active=False),
    "the maker's account is removed": lambda world: world.alice.delete(),
    "the maker has a new password": lambda world: accounts.set_password(world.alice, "some other long words"),
    "the person joins another workspace": lambda world: world.joins(Role.VIEWER),
    "the person owns another workspace": lambda world: world.joins(Role.OWNER),
    "the person makes a workspace": lambda world: members.create_workspace("Own", by=world.ed),
    "the person is removed": lambda world: members.remove(world.member(world.ed)),
    "the person becomes an owner": lambda world: members.change_role(world.member(world.ed), Role.OWNER),
    "the person has a new password": lambda world: accounts.set_password(world.ed, "some other long words"),
    "the person has another address": lambda world: User.objects.filter(pk=world.ed.pk).update(email="e@example.com"),
    "the person sets up a passkey": lambda world: Authenticator.objects.create(user=world.ed, type="webauthn", data={}),
    "the person's second factor is dropped": lambda world: accounts.drop_second_factor(world.ed),
    "the person signs in": lambda world: User.objects.filter(pk=world.ed.pk).update(last_login=timezone.now()),
    "the person is disabled": lambda world: User.objects.filter(pk=world.ed.pk).update(is_active=False),
    "the person's account is removed": lambda world: world.ed.delete(),
    "somebody else joins": lambda world: Membership.objects.create(workspace=world.shop, user=world.bob),
}
OF_THE_PERSON = {
    "the person has a new password",
    "the person has another address",
    "the person sets up a passkey",
    "the person's second factor is dropped",
    "the person signs in",
    "the person is disabled",
    "the person's account is removed",
}
OF_THE_MAKER = {name for name in ENDS if name.startswith("the maker")}
OF_THE_MAKERS_ROLE = OF_THE_MAKER - {"the maker has a new password"}
# For each kind: how it is made, whether it still works, and the events that end it.
Kind = tuple[Callable[[World], str], Callable[[World, str], bool], set[str]]


def _path(link: str) -> str:
    return link.removeprefix(settings.PUBLIC_URL)


def _resets(world: World, link: str) -> bool:
    """Return whether a link for a new password opens. One that doesn't must not change the password either."""
    former = User.objects.filter(pk=world.ed.pk).values_list("password", flat=True).first()
    opens = Client().get(_path(link)).status_code == 200
    posted = Client().post(_path(link), NEW).status_code == 302
    changed = User.objects.filter(pk=world.ed.pk).values_list("password", flat=True).first() != former
    assert opens == posted == changed
    return opens


def _invites(world: World, link: str) -> bool:
    """Return whether an invitation opens, and makes a member."""
    browser = Browser()
    browser.force_login(world.bob)
    Membership.objects.filter(workspace=world.shop, user=world.bob).delete()
    opens = browser.get(_path(link)).status_code == 200
    browser.post(_path(link))
    joined = Membership.objects.filter(workspace=world.shop, user=world.bob).exists()
    assert opens == joined
    return opens


def _calls(world: World, token: str) -> bool:
    return api_tokens.authenticate(token) is not None


KINDS: dict[str, Kind] = {
    "a link for a password, by an owner": (
        lambda world: password_resets.make_link(world.ed, by=world.alice),
        _resets,
        set(ENDS) - {"nothing", "somebody else joins", "the person becomes an owner"},
    ),
    "a link for a password, mailed or by a command": (
        lambda world: password_resets.make_link(world.ed),
        _resets,
        OF_THE_PERSON,
    ),
    "an invitation as editor": (
        lambda world: members.invite(world.shop, Role.EDITOR, days=7, by=world.alice),
        _invites,
        OF_THE_MAKERS_ROLE,
    ),
    "an invitation as owner": (
        lambda world: members.invite(world.shop, Role.OWNER, days=7, by=world.alice),
        _invites,
        OF_THE_MAKERS_ROLE,
    ),
    # A token never may more than its maker, who may call as an editor, and look as a viewer.
    "a token of the API": (
        lambda world: api_tokens.create(world.shop, "T", Scope.WRITE, days=7, by=world.alice),
        _calls,
        OF_THE_MAKERS_ROLE
        - {
            "the maker becomes an editor",
            "the maker becomes a viewer",
            "the maker's role is changed in the database",
        },
    ),
}


@pytest.mark.exhaustive
@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("kind", KINDS)
def test_it_is_valid_while_its_authority_is(world: World, kind: str, end: str) -> None:
    make, is_good, ended_by = KINDS[kind]
    made = make(world)

    ENDS[end](world)

    assert is_good(world, made) == (end not in ended_by)


@pytest.mark.parametrize("kind", KINDS)
def test_it_ends_with_its_time(world: World, kind: str) -> None:
    make, is_good, _ = KINDS[kind]
    made = make(world)

    with time_machine.travel(timezone.now() + timedelta(days=8), tick=False):
        assert not is_good(world, made)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if "token" not in kind])
def test_a_link_works_once(world: World, kind: str) -> None:
    make, is_good, _ = KINDS[kind]
    made = make(world)

    assert [is_good(world, made), is_good(world, made)] == [True, False]


@pytest.mark.parametrize(
    ("role", "scope"), [(Role.OWNER, Scope.WRITE), (Role.EDITOR, Scope.WRITE), (Role.VIEWER, Scope.READ)]
)
def test_a_token_never_may_more_than_its_maker(world: World, role: Role, scope: Scope) -> None:
    token = api_tokens.create(world.shop, "T", Scope.WRITE, days=7, by=world.alice)
    members.change_role(world.member(world.alice), role)

    known = api_tokens.authenticate(token)

    assert known is not None
    assert known[1] == scope


def test_a_link_of_one_owner_is_not_one_of_another(world: World) -> None:
    path = _path(password_resets.make_link(world.ed, by=world.alice))
    number, _, rest = path.rpartition("/reset/")[2].strip("/").rpartition("/")[2].partition(".")
    assert number == str(world.alice.pk)

    forged = [f"{world.olga.pk}.{rest}", f"0.{rest}", rest, f"0{number}.{rest}x", f".{rest}", f"-1.{rest}", "9" * 30]

    assert [Client().get(f"/reset/{world.ed.pk}/{one}/").status_code for one in forged] == [404] * len(forged)


def test_nobody_makes_a_link_for_whom_they_may_not_reset(world: World) -> None:
    world.joins(Role.VIEWER)

    for maker in (world.alice, world.ed, world.bob):
        with pytest.raises(RelayError, match="isn't yours"):
            password_resets.make_link(world.ed, by=maker)


def test_the_form_that_was_open_is_no_use_when_the_link_has_ended(world: World) -> None:
    path = _path(password_resets.make_link(world.ed, by=world.alice))
    browser = Client()
    assert browser.get(path).status_code == 200

    world.joins(Role.OWNER)

    assert browser.post(path, NEW).status_code == 404
    assert User.objects.get(pk=world.ed.pk).check_password(PASSWORD)


@pytest.fixture
def set_up(db: None) -> Iterator[str]:
    """The path of the link for the first account."""
    yield f"/setup/{settings.DATA.new_setup_token()}/"
    settings.DATA.drop_setup_token()


def test_the_link_for_the_first_account_ends_with_that_account(set_up: str) -> None:
    assert Client().get(set_up).status_code == 200
    accounts.add_user("ada@example.com", PASSWORD)
    # As on another host, whose file nobody removes.
    settings.DATA.setup_token.write_text(set_up.split("/")[2])

    answers = Client().get(set_up), Client().post(set_up, {"email": "eve@example.com", "password": PASSWORD})

    assert [answer.status_code for answer in answers] == [404, 404]
    assert User.objects.count() == 1


@pytest.mark.parametrize(
    ("end", "signs_in"),
    [
        ("nothing", True),
        ("the person has a new password", False),
        ("the person is disabled", False),
        ("the person is removed", True),
    ],
)
def test_a_sign_in_that_waits_for_a_code_ends_with_the_password(world: World, end: str, signs_in: bool) -> None:
    browser = Client()
    first = browser.post("/sign-in/", {"login": world.ed.email, "password": PASSWORD})
    assert first["Location"].startswith("/sign-in/second/")

    ENDS[end](world)
    browser.post("/sign-in/second/", {"code": code(SECRET)})

    assert (browser.get("/account/").status_code == 200) is signs_in


@pytest.mark.parametrize(
    "end", ["the person has a new password", "the person is disabled", "the person's account is removed"]
)
def test_a_browser_is_signed_out_with_the_account(world: World, end: str) -> None:
    browser = Browser()
    browser.force_login(world.ed, backend=settings.AUTHENTICATION_BACKENDS[0])
    assert browser.get("/account/").status_code == 200

    ENDS[end](world)

    assert browser.get("/account/").status_code == 302
