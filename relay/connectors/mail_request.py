"""Builds the requests of actions whose target is mail, to be sent and to be shown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

from msgspec.structs import replace

from relay.connectors import mail_message
from relay.connectors.multipart_body import OpensFile
from relay.errors import ValueRefused
from relay.outbound import Mail, Request, Security

# Stands for a connection that does not exist yet, in dry runs: an address can't have a placeholder in it.
EXAMPLE = {"host": "mail.example.com", "port": "587", "security": "STARTTLS", "from": "you@mail.example.com"}
_PORTS = {"STARTTLS": 587, "TLS": 465, "none": 25}


def shown(parts: Mapping[str, Any], connection: Mapping[str, Any], key: str) -> Request:
    """The mail as it is stored and shown: where it goes, its headers, its text and the names of its attachments.

    Without a mail among the parts, the request only signs in.
    """
    host, port, _ = _server(connection)
    if not is_mail(parts):
        return Request("NOOP", f"smtp://{host}:{port}", {}, None)
    mail = mail_message.message(parts["body"]["mail"], key)
    return Request("SEND", f"smtp://{host}:{port}", mail.headers, mail_message.shown(mail), replayable=False)


def is_mail(parts: Mapping[str, Any]) -> bool:
    """Whether there is a mail to send, and not only a server to sign in to."""
    return bool(parts.get("body"))


def build(
    parts: Mapping[str, Any], connection: Mapping[str, Any], key: str, opens: OpensFile | None, owner: int
) -> Request:
    """The mail to send, or the sign-in. Raises ValueRefused, or RelayError for a file that isn't the run's."""
    host, port, security = _server(connection)
    user, password = str(connection.get("user") or ""), str(connection.get("password") or "")
    if user and security == "none":
        raise ValueRefused("A user name and a password need an encrypted connection: choose STARTTLS or TLS")
    if opens is None or not is_mail(parts):
        sign_in = Mail(host, port, security, user, password, "", (), "", ())
        return replace(shown(parts, connection, key), mail=sign_in, owner=owner)
    message = mail_message.message(parts["body"]["mail"], key)
    mail = Mail(
        host,
        port,
        security,
        user,
        password,
        message.sender,
        message.recipients,
        message.message_id,
        mail_message.encoded(message, opens),
    )
    return replace(shown(parts, connection, key), mail=mail, owner=owner)


def _server(connection: Mapping[str, Any]) -> tuple[str, int, Security]:
    security: Security = next((kind for kind in get_args(Security) if kind == connection.get("security")), "STARTTLS")
    port = str(connection.get("port") or "") or str(_PORTS[security])
    if not port.isascii() or not port.isdigit() or not 0 < int(port[:6]) < 65_536:
        raise ValueRefused("The port of the mail server is a number up to 65535")
    return str(connection.get("host") or "").strip().strip("[]").lower(), int(port), security
