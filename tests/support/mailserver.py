"""A mail server that accepts and records every mail."""

from __future__ import annotations

import socketserver
import ssl
import sys
import threading
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any, Self


class _Talk(socketserver.StreamRequestHandler):
    server: MailServer

    def handle(self) -> None:
        if self.server.tls:
            self._wrap(self.server.tls)
        self._say("220 here")
        self._talk()

    def _talk(self) -> None:
        while line := self.rfile.readline().strip():
            match line.upper().split(b" ")[0]:
                case b"QUIT":
                    self._say("221 bye")
                    return
                case b"EHLO" if self.server.starttls and not isinstance(self.request, ssl.SSLSocket):
                    self._say("250-here\r\n250 STARTTLS")
                case b"STARTTLS" if self.server.starttls:
                    self._say("220 begin")
                    self._wrap(self.server.starttls)
                case b"RCPT" if self.server.refuses:
                    self._say("550 nobody here")
                case b"DATA":
                    self._say("354 go on")
                    self._take()
                case _:
                    self._say("250 fine")

    def _wrap(self, context: ssl.SSLContext) -> None:
        self.request = context.wrap_socket(self.request, server_side=True)
        self.setup()

    def finish(self) -> None:
        super().finish()
        self.request.close()  # The server closes what it has accepted, and that is not what TLS was put around.

    def _take(self) -> None:
        lines = []
        while (line := self.rfile.readline()) != b".\r\n":
            lines.append(line.removeprefix(b"."))
        self.server.answers.wait(20)
        self.server.mails.append(message_from_bytes(b"".join(lines), policy=policy.default))
        self._say("250 taken")

    def _say(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())


class MailServer(socketserver.ThreadingTCPServer):
    """On a free port of this machine. `refuses`: it knows no address. `answers`: until then no mail is taken.

    `certificate`: a file of its key and certificate, for TLS from the start (`is_tls`) or by STARTTLS.
    """

    daemon_threads = True

    def __init__(self, certificate: Path | None = None, *, is_tls: bool = False) -> None:
        super().__init__(("127.0.0.1", 0), _Talk)
        self.mails: list[EmailMessage] = []
        self.refuses = False
        self.answers = threading.Event()
        self.answers.set()
        self.tls, self.starttls = None, None
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self.tls, self.starttls = (context, None) if is_tls else (None, context)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that doesn't trust the certificate leaves; any other error is one of this server."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    def __enter__(self) -> Self:
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.server_close()
