"""Parses the URL of a mail server for Django's settings."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

_SMTP = "relay.engine.people.smtp.EmailBackend"
# Scheme: port, STARTTLS, TLS from the start.
_SCHEMES = {"smtp": (25, False, False), "smtp+tls": (587, True, False), "smtps": (465, False, True)}


@dataclass(frozen=True, slots=True)
class MailServer:
    backend: str = "django.core.mail.backends.dummy.EmailBackend"
    host: str = ""
    port: int = 25
    user: str = ""
    password: str = ""
    starttls: bool = False
    tls: bool = False


def settings_of(url: str) -> MailServer:
    """Parse `smtp+tls://user:password@host:587`; "" means no server. Raises ValueError without the password."""
    if not url:
        return MailServer()
    if url == "console:":
        return MailServer("django.core.mail.backends.console.EmailBackend")
    try:
        parts = urlsplit(url)
        port, starttls, tls = _SCHEMES[parts.scheme]
        host, port = parts.hostname or "", parts.port or port
    except (KeyError, ValueError):
        host = ""
    if not host or parts.path.strip("/") or parts.query or parts.fragment:
        raise ValueError("RELAY_EMAIL_URL looks like smtp+tls://user:password@host:587, smtps://host or smtp://host")
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    return MailServer(_SMTP, host, port, user, password, starttls, tls)
