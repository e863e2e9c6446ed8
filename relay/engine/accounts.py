"""Accounts: the first one, with its workspace and the demo flow."""

from __future__ import annotations

import secrets

from django.apps import apps
from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.contrib.auth.tokens import PasswordResetTokenGenerator
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction

from relay import datafolder
from relay.engine import audit, mailing, publish
from relay.errors import RelayError
from relay.models import Membership, Role, User, Workspace

DEMO = {
    "relay": 1,
    "name": "Demo: new order to the inbox",
    "description": "Orders over 20 are announced in the built-in inbox. Change it, break it, remove it.",
    "title": "Order #{{ event.body.id }}",
    "trigger": {"kind": "webhook"},
    "steps": [
        {
            "id": "big",
            "kind": "filter",
            "name": "Only orders over 20",
            "when": {"all": [{"left": "{{ event.body.total }}", "op": "greater_than", "right": 20}]},
        },
        {
            "id": "tell",
            "kind": "action",
            "name": "Tell the team",
            "action": "inbox.post",
            "inputs": {
                "channel": "orders",
                "title": "Order #{{ event.body.id }}",
                "text": (
                    "{{ event.body.customer.first_name | default('Somebody') }} ordered for "
                    "{{ event.body.total }} {{ event.body.currency }}:\n"
                    "{% for item in event.body.line_items | default([]) %}"
                    "• {{ item.quantity }} × {{ item.title }}\n{% endfor %}"
                ),
            },
        },
    ],
}


class _Resets(PasswordResetTokenGenerator):
    """Links that end with the password that they change, and after `PASSWORD_RESET_TIMEOUT` seconds."""

    key_salt = "relay.reset"


_RESETS = _Resets()


def is_fresh() -> bool:
    """Whether no account exists yet."""
    return not User.objects.exists()


def check_setup_token(token: str) -> bool:
    """Whether `token` is the one-time token of the set-up link, and no account exists yet."""
    expected = datafolder.read(settings.DATA.setup_token)
    return bool(expected) and secrets.compare_digest(expected.encode(), token.encode()) and is_fresh()


def create_first_account(email: str, password: str, *, workspace_name: str = "My workspace") -> User:
    """The first account, its workspace and the demo flow; RelayError when another was first."""
    with transaction.atomic():
        if not is_fresh():
            raise RelayError("An account exists already: sign in with it")
        user = create_user(email, password)
        workspace = Workspace.objects.create(name=workspace_name.strip()[:100] or "My workspace")
        Membership.objects.create(workspace=workspace, user=user, role=Role.OWNER)
        audit.note(workspace, "account.created", user, ref=user.pk, change="The first account")
        publish.import_document(workspace, DEMO, publish_it=True, by=user)
    settings.DATA.setup_token.unlink(missing_ok=True)
    return user


def add_user(email: str, password: str, *, role: Role = Role.OWNER) -> User:
    """An account; the first one owns the first workspace, a further one joins it with a role."""
    if is_fresh():
        return create_first_account(email, password)
    with transaction.atomic():
        user = create_user(email, password)
        workspace = Workspace.objects.order_by("pk").first()
        if workspace is not None:
            Membership.objects.create(workspace=workspace, user=user, role=role)
            audit.note(workspace, "account.created", user, ref=user.pk, change=role.label)
    return user


def find_user(email: str) -> User:
    """The account of an address; RelayError where there is none."""
    user = User.objects.filter(email=email.strip().lower()).first()
    if user is None:
        raise RelayError(f"There is no account for {email}")
    return user


def reset_link(user: User) -> str:
    """An address at which a person can choose a new password, once and within a day."""
    note_for(user, "account.reset_link_made")
    return f"{settings.PUBLIC_URL}/reset/{user.pk}/{_RESETS.make_token(user)}/"


def mail_reset_link(address: str) -> None:
    """Mail a link for a new password to whose account it is; whether there is one, nobody is told."""
    user = User.objects.filter(email=address.strip().lower(), is_active=True).first()
    if user is not None:
        mailing.send_reset_link_later(user.email, reset_link(user))


def resettable(user_id: int, token: str) -> User | None:
    """Whose password a reset link may change; None for a link that was used, is too old, or never was one."""
    user = User.objects.filter(pk=user_id, is_active=True).first()
    return user if user is not None and _RESETS.check_token(user, token) else None


def set_password(user: User, password: str) -> None:
    """Give an account another password; it is signed out everywhere. RelayError when the password is weak."""
    _check_password(password, user)
    user.set_password(password)
    with transaction.atomic():
        user.save(update_fields=["password"])
        note_for(user, "account.password_reset")


def drop_second_factor(user: User) -> int:
    """Remove the authenticator app, passkeys and recovery codes of an account; how many those were."""
    removed, _ = apps.get_model("mfa", "Authenticator")._default_manager.filter(user_id=user.pk).delete()
    note_for(user, "account.second_factor_dropped")
    return int(removed)


def note_for(user: User, verb: str, change: str = "") -> None:
    """Note in the audit log of each of a person's workspaces what happened to the account."""
    for workspace_id in user.memberships.values_list("workspace_id", flat=True):
        audit.note(workspace_id, verb, user, ref=user.pk, change=change)


def create_user(email: str, password: str) -> User:
    """An account without a workspace; RelayError for an address or a password that can't be."""
    email = email.strip().lower()
    try:
        validate_email(email)
    except ValidationError as error:
        raise RelayError(" ".join(error.messages)) from None
    _check_password(password)
    if User.objects.filter(email=email).exists():
        raise RelayError(f"There is an account for {email} already")
    return User.objects.create_user(email, password)


def _check_password(password: str, user: User | None = None) -> None:
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise RelayError(" ".join(error.messages)) from None
