"""Sends one mail by SMTP over a connection to a judged address, within one deadline.

The commands before the mail's end can be repeated without harm: until the final dot, no server has taken the mail.
"""

from __future__ import annotations

import base64
import re
import smtplib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from time import monotonic
from typing import Any, NamedTuple

import msgspec

from relay.errors import ConnectFailed, ConnectionLost, DeadlinePassed, DeliveryError, RequestRefused, ValueRefused
from relay.outbound.messages import Answer, FilePart, Mail

# Ports of mail servers, which other requests may not call.
MAIL_PORTS = frozenset({25, 465, 587, 2525})
_LINE_BYTES = 57  # 76 characters of base64
_DATA_READY = 354
_MAX_ANSWERS = 256 * 1024  # bytes of all answers of a server to one mail
_AUTH_CODES = frozenset({530, 534, 535, 538})
_dots = re.compile(rb"^\.", re.MULTILINE)


class Reply(NamedTuple):
    """What the server said last. `is_refused`: it refused the user or the password."""

    code: int
    text: str
    is_refused: bool = False


class _Refused(Exception):
    """The server answered a command with something else than a success."""

    def __init__(self, code: int, text: bytes | str, what: str = "") -> None:
        said = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
        super().__init__(what)
        self.reply = Reply(code, " ".join(f"{what}{said}".split())[:500])


# Opens a connection to a host and port, without TLS, by a deadline (monotonic seconds), for a workspace.
Opens = Callable[[str, int, float, int], socket.socket]


class MailSender:
    """Sends mails. `name`: how Relay calls itself to servers."""

    def __init__(self, opens: Opens, context: Callable[[], ssl.SSLContext], name: str) -> None:
        self._opens, self._context, self._name = opens, context, name

    def send(self, mail: Mail, timeout: float, owner: int) -> Answer:
        """Send a mail and return the server's last answer: 250 if it has taken the mail, its own code otherwise.

        Without recipients, only sign in, and return the answer to NOOP.
        The mail is sent to all recipients or to none. Raises ConnectFailed, RequestRefused, SenderBusy, and, once the
        server may have taken the mail, ConnectionLost or DeadlinePassed.
        """
        started = monotonic()
        deadline = started + timeout
        sock = self._opens(mail.host, mail.port, deadline, owner)
        talk = _Talk(mail, sock, deadline)
        try:
            reply = talk.deliver(self._context, self._name)
        finally:
            talk.close()
        body = msgspec.json.encode({"message_id": mail.message_id, "reply": reply.text})
        headers = {"content-type": "application/json"}
        code = 535 if reply.is_refused else reply.code
        return Answer(code, headers, body, truncated=False, seconds=monotonic() - started)


class _Answers:
    """The lines that a server sends: smtplib reads an answer of any number of lines into memory."""

    def __init__(self, file: Any) -> None:
        self._file, self._left = file, _MAX_ANSWERS

    def readline(self, limit: int) -> bytes:
        line: bytes = self._file.readline(limit)
        self._left -= len(line)
        if self._left < 0:
            raise OSError("the server's answers are too long")
        return line

    def close(self) -> None:
        self._file.close()


class _Client(smtplib.SMTP):
    """smtplib's client over a connection that is open already."""

    def __init__(self, host: str, sock: socket.socket, name: str) -> None:
        super().__init__(local_hostname=name)
        self.sock = sock
        self._host = host  # the name for which STARTTLS verifies the certificate
        self.file = None

    def getreply(self) -> tuple[int, bytes]:
        if self.file is None and self.sock is not None:
            self.file = _Answers(self.sock.makefile("rb"))
        return super().getreply()


class _Talk:
    """One conversation with a server."""

    def __init__(self, mail: Mail, sock: socket.socket, deadline: float) -> None:
        self._mail, self._deadline = mail, deadline
        self._sock: socket.socket = sock
        self._client: smtplib.SMTP | None = None
        self._is_over = False
        self._has_data_ended = False
        # A server that sends a byte now and then would restart the timeout of each read.
        self._watch = threading.Timer(max(deadline - monotonic(), 0.001), self._expire)
        self._watch.daemon = True
        self._watch.start()

    def _expire(self) -> None:
        self._is_over = True
        with suppress(OSError):
            self._sock.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._watch.cancel()
        with suppress(OSError):
            if self._client is not None:
                self._client.close()
            self._sock.close()

    def deliver(self, context: Callable[[], ssl.SSLContext], name: str) -> Reply:
        try:
            with self._errors():
                return self._deliver(context, name)
        except _Refused as refused:
            return refused.reply

    def _deliver(self, context: Callable[[], ssl.SSLContext], name: str) -> Reply:
        mail = self._mail
        self._sock.settimeout(max(self._deadline - monotonic(), 0.001))
        if mail.security == "TLS":
            self._sock = context().wrap_socket(self._sock, server_hostname=mail.host)
        client = self._client = _Client(mail.host, self._sock, name)
        self._expect(client.getreply())
        self._greet(client)
        if mail.security == "STARTTLS":
            if not client.has_extn("starttls"):
                raise RequestRefused(f"{mail.host} offers no STARTTLS: choose TLS, or another port.")
            self._expect(client.starttls(context=context()))
            self._sock = client.sock  # type: ignore[assignment]
            self._greet(client)
        if mail.user:
            self._sign_in(client)
        if not mail.recipients:
            return self._take_leave(client, *client.docmd("NOOP"))
        self._expect(client.mail(mail.sender), "the sender was refused: ")
        for recipient in mail.recipients:
            self._expect(client.rcpt(recipient), f"{recipient} was refused: ")
        return self._hand_over(client)

    def _greet(self, client: smtplib.SMTP) -> None:
        code, _ = client.ehlo()
        if not 200 <= code < 300:
            self._expect(client.helo())

    def _sign_in(self, client: smtplib.SMTP) -> None:
        try:
            client.login(self._mail.user, self._mail.password)
        except smtplib.SMTPAuthenticationError as error:
            raise _refusal(error.smtp_code, error.smtp_error) from None
        except smtplib.SMTPNotSupportedError:
            raise RequestRefused(f"{self._mail.host} takes no user and password over this connection.") from None
        except smtplib.SMTPHeloError as error:
            raise _Refused(error.smtp_code, error.smtp_error) from None
        except (UnicodeError, ValueError):
            raise ValueRefused("User and password of a mail server may only have characters of ASCII.") from None

    def _hand_over(self, client: smtplib.SMTP) -> Reply:
        code, text = client.docmd("DATA")
        self._check(code)
        if code != _DATA_READY:
            raise _Refused(code, text)
        for data in _lines(self._mail.parts):
            self._sock.sendall(data)
        self._has_data_ended = True
        self._sock.sendall(b".\r\n")
        return self._take_leave(client, *client.getreply())

    def _take_leave(self, client: smtplib.SMTP, code: int, text: bytes) -> Reply:
        """The last answer, after which the connection ends."""
        self._expect((code, text))
        with suppress(smtplib.SMTPException, OSError):
            client.putcmd("QUIT")
        return Reply(code, " ".join(text.decode("utf-8", "replace").split())[:500])

    def _check(self, code: int) -> None:
        """Refuse what is no answer: a part of a line at the end of a connection, or another protocol."""
        if self._is_over or not 200 <= code < 600:
            raise smtplib.SMTPServerDisconnected("no answer")

    def _expect(self, reply: tuple[int, bytes], what: str = "") -> None:
        self._check(reply[0])
        if not 200 <= reply[0] < 300:
            raise _Refused(reply[0], reply[1], what)

    @contextmanager
    def _errors(self) -> Iterator[None]:
        """Name the errors of sockets, TLS and smtplib by whether the server may have taken the mail."""
        try:
            yield
        except (DeliveryError, _Refused):
            raise
        except ssl.SSLCertVerificationError as error:
            raise ConnectFailed(f"The certificate of {self._mail.host} isn't valid: {error.verify_message}.") from None
        except (OSError, smtplib.SMTPException, ValueError) as error:
            raise self._broken(error) from None

    def _broken(self, error: Exception) -> DeliveryError:
        host = self._mail.host
        # smtplib reports a read that took too long as a connection that was closed.
        is_late = self._is_over or isinstance(error, TimeoutError) or monotonic() >= self._deadline
        if self._has_data_ended:
            if is_late:
                return DeadlinePassed(f"The mail was handed over, but {host} didn't confirm it in time.")
            return ConnectionLost(f"The mail was handed over, but the connection to {host} broke before it confirmed.")
        if is_late and not self._mail.recipients:
            return ConnectFailed(f"{host} didn't answer in time.")
        if is_late:
            return ConnectFailed(f"{host} didn't take the mail in time; nothing was sent.")
        if isinstance(error, ssl.SSLError):
            return ConnectFailed(f"{host} doesn't speak TLS at this port.")
        if not self._mail.recipients:
            return ConnectFailed(f"The connection to {host} broke; it may not be a mail server.")
        return ConnectFailed(f"The connection to {host} broke before the mail was handed over; nothing was sent.")


def _refusal(code: int, text: Any) -> Exception:
    """A refused sign-in. A temporary failure of it (4xx) says nothing about the password."""
    refused = _Refused(code, text, "the sign-in was refused: ")
    if code in _AUTH_CODES or code >= 500:
        refused.reply = refused.reply._replace(is_refused=True)
    return refused


def _lines(parts: tuple[bytes | FilePart, ...]) -> Iterator[bytes]:
    """The message as it goes over the wire, a piece at a time: dots doubled at the start of lines, files as base64."""
    for part in parts:
        if isinstance(part, bytes):
            yield _dots.sub(b"..", part)
        else:
            yield from _encoded(part)


def _encoded(part: FilePart) -> Iterator[bytes]:
    rest = b""
    for piece in part.open():
        data = rest + piece
        whole = len(data) // _LINE_BYTES * _LINE_BYTES
        rest = data[whole:]
        yield base64.encodebytes(data[:whole]).replace(b"\n", b"\r\n")
    yield base64.encodebytes(rest).replace(b"\n", b"\r\n")
