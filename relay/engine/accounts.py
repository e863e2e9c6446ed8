"""Accounts: the first one, with its workspace and the demo flow."""

from __future__ import annotations

import secrets

from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction

from relay import datafolder
from relay.engine import publish
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
        user = _create_user(email, password)
        workspace = Workspace.objects.create(name=workspace_name.strip()[:100] or "My workspace")
        Membership.objects.create(workspace=workspace, user=user, role=Role.OWNER)
        publish.import_document(workspace, DEMO, publish_it=True, by=user)
    settings.DATA.setup_token.unlink(missing_ok=True)
    return user


def add_user(email: str, password: str) -> User:
    """An account; the first one owns the first workspace, a further one joins it."""
    if is_fresh():
        return create_first_account(email, password)
    with transaction.atomic():
        user = _create_user(email, password)
        workspace = Workspace.objects.order_by("pk").first()
        if workspace is not None:
            Membership.objects.create(workspace=workspace, user=user, role=Role.OWNER)
    return user


def _create_user(email: str, password: str) -> User:
    email = email.strip().lower()
    try:
        validate_email(email)
        validate_password(password)
    except ValidationError as error:
        raise RelayError(" ".join(error.messages)) from None
    if User.objects.filter(email=email).exists():
        raise RelayError(f"There is an account for {email} already")
    return User.objects.create_user(email, password)
