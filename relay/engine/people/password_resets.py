"""Creates and checks links for a new password, which work once, within a day, while their authority lasts.

A link that an owner creates has the authority of that owner over that person. When it is opened, and again when the
password is posted, the owner must still own every workspace of the person, and the person's workspaces must not have
changed. A mailed link has the authority of the mail address; one from the command line has that of the machine.
"""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.conf import settings
from django.contrib.auth.tokens import PasswordResetTokenGenerator
from django.db import transaction

from relay.engine.people import accounts, mailer
from relay.errors import RelayError
from relay.models import Membership, Role, User


class _Tokens(PasswordResetTokenGenerator):
    """Django's tokens, which become invalid when the password or address changes or the person signs in. Here they also
    become invalid with the authority of the link."""

    key_salt = "relay.reset"

    def __init__(self, creator: User | None) -> None:
        super().__init__()
        self._creator = creator

    def _make_hash_value(self, user: Any, timestamp: int) -> str:
        factors = apps.get_model("mfa", "Authenticator")._default_manager.filter(user_id=user.pk)
        basis: list[Any] = [super()._make_hash_value(user, timestamp), sorted(factors.values_list("pk", flat=True))]
        if self._creator is not None:
            # A new password of the creator ends the links, too, because somebody else may have created them.
            basis += [self._creator.pk, self._creator.password, sorted(_workspaces(user))]
        return repr(basis)


def make_link(user: User, *, by: User | None = None) -> str:
    """Create the address of a page where a person can choose a new password, once and within a day.

    `by`: the owner who creates it; RelayError if the person is in a workspace that the owner doesn't own. None: a
    command creates it, or it is mailed to the person.
    """
    if by is not None and not may_reset(by, user):
        raise RelayError(f"{user} is also in a workspace that isn't yours: use `relay user reset-link {user}`")
    accounts.note_for(user, "account.reset_link_made")
    return f"{settings.PUBLIC_URL}/reset/{user.pk}/{by.pk if by else 0}.{_Tokens(by).make_token(user)}/"


def mail_link(address: str) -> None:
    """Mail a link for a new password, if the address has an account; the caller doesn't learn whether it has one."""
    user = User.objects.filter(email=address.strip().lower(), is_active=True).first()
    if user is not None:
        mailer.send_reset_link_later(user.email, make_link(user))


def find_user(user_id: int, token: str) -> User | None:
    """The user whose password a link may change now; None if it was used, has expired or is invalid."""
    return _resettable(User.objects.filter(pk=user_id, is_active=True).first(), token)


def set_password(user_id: int, token: str, password: str) -> None:
    """Set a password by a link, which is used up, and sign the account out everywhere.

    RelayError when the password is weak or the link is no longer valid.
    """
    user = find_user(user_id, token)
    if user is None:
        raise _expired()
    accounts.hash_password(user, password)
    with transaction.atomic():
        # With this lock, concurrent uses take turns, and the person joins no workspace meanwhile.
        current = User.objects.select_for_update().filter(pk=user_id, is_active=True).first()
        if _resettable(current, token) is None:
            raise _expired()
        accounts.save_password(user)


def may_reset(owner: User, user: User) -> bool:
    """Whether an owner may create a link for a new password: only if they own every workspace of that person.

    Otherwise the link would give the owner access to other workspaces.
    """
    owned = Membership.objects.filter(user=owner, user__is_active=True, role=Role.OWNER)
    workspaces = _workspaces(user)
    return bool(workspaces) and workspaces <= set(owned.values_list("workspace_id", flat=True))


def _resettable(user: User | None, token: str) -> User | None:
    number, _, rest = token.partition(".")
    is_number = number.isascii() and number.isdigit() and len(number) < 19
    if user is None or not is_number:
        return None
    creator = User.objects.filter(pk=int(number)).first() if int(number) else None
    if int(number) and (creator is None or not may_reset(creator, user)):
        return None
    return user if _Tokens(creator).check_token(user, rest) else None


def _expired() -> RelayError:
    return RelayError("This link was used or has expired; ask for another")


def _workspaces(user: User) -> set[int]:
    return set(Membership.objects.filter(user=user).values_list("workspace_id", flat=True))
