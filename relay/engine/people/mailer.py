"""Sends mail by the server of RELAY_EMAIL_URL. Without one nothing is sent, and people pass links on themselves."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Sequence
from datetime import datetime

import structlog
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.mail import EmailMessage
from django.core.validators import validate_email

from relay.errors import RelayError

log = structlog.get_logger()
_FOOTER = "If you don't know what this is about, ignore this mail: the link does nothing unless you open it."


def is_on() -> bool:
    return bool(settings.EMAIL_URL)


def check_address(address: str) -> None:
    try:
        validate_email(address)
    except ValidationError:
        raise RelayError("That is no e-mail address") from None


def send_invitation(address: str, link: str, *, workspace: str, role: str, until: datetime) -> None:
    """Mail an invitation; RelayError when the server refuses it."""
    text = (
        f"You are invited to the workspace “{workspace}” of Relay, as {role.lower()}. Open this to join:\n\n{link}\n\n"
        f"It works once, until {until:%Y-%m-%d %H:%M} UTC. {_FOOTER}\n"
    )
    _send_link(address, f"Join {workspace} in Relay", text)


def send_reset_link(address: str, link: str) -> None:
    """Mail a link for a new password; RelayError when the server refuses it."""
    text = f"Open this to choose a new password for Relay:\n\n{link}\n\nIt works once, within a day. {_FOOTER}\n"
    _send_link(address, "A new password for Relay", text)


def send_reset_link_later(address: str, link: str) -> None:
    """As `send_reset_link`, in a thread, so that the time of the response doesn't reveal whether an account exists."""
    threading.Thread(target=_try_to_send_reset_link, args=(address, link), name="mail").start()


def _try_to_send_reset_link(address: str, link: str) -> None:
    # `_send` has logged the error, and no page waits for it.
    with contextlib.suppress(RelayError):
        send_reset_link(address, link)


def send_alert(addresses: Sequence[str], subject: str, text: str) -> None:
    """Send one mail to people of a workspace; RelayError when the server accepts it for none of them."""
    _send(addresses, subject, text)


def _send_link(address: str, subject: str, text: str) -> None:
    try:
        _send([address], subject, text)
    except RelayError as error:
        raise RelayError(f"{error}. Pass the link on yourself") from error


def _send(addresses: Sequence[str], subject: str, text: str) -> None:
    try:
        EmailMessage(" ".join(subject.split())[:200], text, to=list(addresses)).send()
    except (OSError, ValueError) as error:
        log.warning("mail.not_sent", reason=f"{type(error).__name__}: {error}"[:300])
        raise RelayError("The mail could not be sent, and the log says why") from error
