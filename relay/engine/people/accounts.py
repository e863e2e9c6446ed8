"""Creates accounts, the first one with its workspace and the demo flow, and changes passwords."""

from __future__ import annotations

import secrets

from django.apps import apps
from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, connection, transaction

from relay import data_folder
from relay.engine import audit
from relay.engine.configuration import flow_lifecycle
from relay.engine.database import statements
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


# The number of an advisory lock of PostgreSQL; its value has no meaning.
_FIRST_ACCOUNT_LOCK = 0x52656C61


def is_fresh() -> bool:
    """Whether no account exists yet."""
    return not User.objects.exists()


def check_setup_token(token: str) -> bool:
    """Whether `token` is the one-time token of the setup link, and no account exists yet."""
    expected = data_folder.read(settings.DATA.setup_token)
    return bool(expected) and secrets.compare_digest(expected.encode(), token.encode()) and is_fresh()


def create_first_account(email: str, password: str, *, workspace_name: str = "My workspace") -> User:
    """Create the first account, its workspace and the demo flow; RelayError if an account exists already."""
    user = build_user(email, password)
    with transaction.atomic():
        _lock_first_account()
        if not is_fresh():
            raise RelayError("An account exists already: sign in with it")
        save_user(user)
        workspace = Workspace.objects.create(name=workspace_name.strip()[:100] or "My workspace")
        Membership.objects.create(workspace=workspace, user=user, role=Role.OWNER)
        audit.note(workspace, "account.created", user, ref=user.pk, change="The first account")
        flow_lifecycle.import_document(workspace, DEMO, publish_it=True, by=user)
    settings.DATA.setup_token.unlink(missing_ok=True)
    return user


def _lock_first_account() -> None:
    """Hold a lock until the end of the transaction, so that only one process creates the first account.

    On PostgreSQL, concurrent transactions would not see each other's account; on SQLite there is one writer.
    """
    if connection.vendor == "postgresql":
        statements.execute("SELECT pg_advisory_xact_lock(%s)", (_FIRST_ACCOUNT_LOCK,))


def add_user(email: str, password: str, *, role: Role = Role.OWNER) -> User:
    """Create an account. The first one owns the first workspace; later ones join it with a role."""
    if is_fresh():
        return create_first_account(email, password)
    user = build_user(email, password)
    with transaction.atomic():
        save_user(user)
        workspace = Workspace.objects.order_by("pk").first()
        if workspace is not None:
            Membership.objects.create(workspace=workspace, user=user, role=role)
            audit.note(workspace, "account.created", user, ref=user.pk, change=role.label)
    return user


def find_user(email: str) -> User:
    """The account of an address; RelayError if there is none."""
    user = User.objects.filter(email=email.strip().lower()).first()
    if user is None:
        raise RelayError(f"There is no account for {email}")
    return user


def set_password(user: User, password: str) -> None:
    """Change the password of an account and sign it out everywhere. RelayError when the password is weak."""
    hash_password(user, password)
    save_password(user)


def hash_password(user: User, password: str) -> None:
    """Set another password without saving it. Hashing takes a while, so it happens outside of transactions."""
    _check_password(password, user)
    user.set_password(password)


def save_password(user: User) -> None:
    """Save the password that `hash_password` has set."""
    with transaction.atomic():
        user.save(update_fields=["password"])
        note_for(user, "account.password_reset")


def drop_second_factor(user: User) -> int:
    """Remove the authenticator app, passkeys and recovery codes of an account; return their number."""
    removed, _ = apps.get_model("mfa", "Authenticator")._default_manager.filter(user_id=user.pk).delete()
    note_for(user, "account.second_factor_dropped")
    return int(removed)


def note_for(user: User, verb: str, change: str = "") -> None:
    """Write to the audit log of each workspace of an account."""
    for workspace_id in user.memberships.values_list("workspace_id", flat=True):
        audit.note(workspace_id, verb, user, ref=user.pk, change=change)


def build_user(email: str, password: str) -> User:
    """Build an account without saving it; RelayError for an invalid address or a weak password."""
    email = email.strip().lower()
    try:
        validate_email(email)
    except ValidationError as error:
        raise RelayError(" ".join(error.messages)) from None
    _check_password(password)
    if User.objects.filter(email=email).exists():
        raise _taken(email)
    user = User(email=User.objects.normalize_email(email).lower())
    user.set_password(password)
    return user


def save_user(user: User) -> None:
    """Save a new account; RelayError when its address was taken meanwhile."""
    try:
        with transaction.atomic():
            user.save(force_insert=True)
    except IntegrityError:
        raise _taken(user.email) from None


def _taken(email: str) -> RelayError:
    return RelayError(f"There is an account for {email} already")


def _check_password(password: str, user: User | None = None) -> None:
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise RelayError(" ".join(error.messages)) from None
