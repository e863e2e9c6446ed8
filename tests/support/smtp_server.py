"""A real SMTP server, aiosmtpd, that signs in, speaks STARTTLS and TLS, and answers as a test wants."""

from __future__ import annotations

import socket
import ssl
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any, Self

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session

USER, PASSWORD = "relay", "correct horse battery"


class Handler:
    """Keeps mails. `replies`: what is answered instead, by command: text, or "drop" to close the connection."""

    def __init__(self) -> None:
        self.envelopes: list[Envelope] = []
        self.replies: dict[str, list[str]] = {}

    @property
    def mails(self) -> list[EmailMessage]:
        return [message_from_bytes(one.original_content or b"", policy=policy.default) for one in self.envelopes]

    def _next(self, command: str, server: SMTP) -> str | None:
        reply = self.replies[command].pop(0) if self.replies.get(command) else None
        if reply == "drop":
            server.transport.abort()
        return reply

    async def handle_MAIL(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if reply := self._next("MAIL", server):
            return reply
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if reply := self._next("RCPT", server):
            return reply
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        reply = self._next("DATA", server)
        if reply is None or reply == "drop":
            self.envelopes.append(envelope)
        return reply or "250 2.0.0 Ok: queued as 4F1"


class _Server(Controller):
    """Listens on a free port, also with TLS from the start."""

    def __init__(self, handler: Handler, *, tls: ssl.SSLContext | None, **server: Any) -> None:
        super().__init__(handler, hostname="127.0.0.1", port=0, ssl_context=tls, **server)

    def _trigger_server(self) -> None:
        # The check of the base class needs the port before the system has given one.
        self.port = self.server.sockets[0].getsockname()[1]
        socket.create_connection((self.hostname, self.port)).close()


class SmtpServer:
    """`with SmtpServer() as server`: `port`, and `handler` with what arrived."""

    def __init__(self, certificate: Path | None = None, *, is_tls: bool = False, needs_user: bool = False) -> None:
        context = None
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
        self.handler = Handler()
        self._server = _Server(
            self.handler,
            tls=context if is_tls else None,
            tls_context=None if is_tls else context,
            authenticator=_authenticate,
            auth_required=needs_user and not is_tls,
            auth_require_tls=not is_tls,
            data_size_limit=64 << 20,
        )

    @property
    def port(self) -> int:
        return int(self._server.port)

    def __enter__(self) -> Self:
        self._server.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.stop()


def _authenticate(server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
    is_right = (data.login, data.password) == (USER.encode(), PASSWORD.encode())
    return AuthResult(success=is_right, handled=False)
