"""Builds the mail of an action: addresses and headers that nothing can be injected into, text, HTML and attachments."""

from __future__ import annotations

import hashlib
import itertools
import re
import secrets
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from email.header import Header
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Any, NamedTuple
from urllib.parse import quote

import idna

from relay.bodies.file_names import safe_name, safe_type
from relay.connectors.input_coercion import as_text
from relay.connectors.multipart_body import OpensFile, is_file
from relay.errors import ValueRefused
from relay.outbound import FilePart

MAX_RECIPIENTS = 100
MAX_ATTACHMENTS = 50
_MAX_LISTED = 10 * MAX_RECIPIENTS  # addresses that are read of one list, with those that are repeated
_MAX_ADDRESS = 1000  # characters of one address with its name
# Characters that end a line in some reader, and others that no header has.
_unsendable = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]").search
_is_local = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*").fullmatch
_is_domain = re.compile(r"(?=.{1,253}$)([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)*[A-Za-z0-9-]{1,63}").fullmatch
_line_end = re.compile(r"\r\n|\r|\n")
# What a reader could take for an encoded word (RFC 2047), whose decoded text may be anything, also a line break.
_is_plain = re.compile(r"(?:(?!=\?)[\x20-\x7e])*").fullmatch
_MAX_LINE = 900  # of a text without line breaks; SMTP allows lines of 998 characters
_FILENAME_CHARACTERS = 64  # of each part of a file name, so that its line is short enough when it is encoded
_marks = re.compile(r'\\.|[",;]').finditer
# A name, and an address in angle brackets.
_named = re.compile(r'\s*(?:"((?:[^"\\]|\\.){0,300})"|([^"<>]{0,300}?))\s*<([^<>\s]{1,320})>\s*').fullmatch


class Message(NamedTuple):
    """A mail. `sender` and `recipients`: bare addresses for the server. `headers`: as people see them.

    `head`: the lines of these headers as they are sent.
    """

    sender: str
    recipients: tuple[str, ...]
    headers: dict[str, str]
    head: bytes
    text: str
    html: str
    attachments: tuple[dict[str, Any], ...]
    message_id: str


def message(fields: Mapping[str, Any], key: str) -> Message:
    """The mail with these fields. `key`: the Idempotency-Key, which decides the Message-ID. Raises ValueRefused."""
    sender = _address(_one_line("From", fields.get("from")), "From")
    lists = {name: _addresses(fields.get(name.lower()), name) for name in ("To", "Cc", "Bcc")}
    recipients = tuple(dict.fromkeys(one.addr_spec for found in lists.values() for one in found))
    if not recipients:
        raise ValueRefused("To has no address")
    if len(recipients) > MAX_RECIPIENTS:
        raise ValueRefused(f"A mail may have {MAX_RECIPIENTS} recipients")
    text, html = _text(fields.get("text")), _text(fields.get("html"))
    if not text and not html:
        raise ValueRefused("A mail needs a text or HTML")
    message_id = f"<relay.{hashlib.sha256(key.encode()).hexdigest()[:32]}@{sender.domain}>"
    shown = {"From": [sender], **{name: lists[name] for name in ("To", "Cc") if lists[name]}}
    if fields.get("reply_to"):
        shown["Reply-To"] = [_address(_one_line("Reply to", fields["reply_to"]), "Reply to")]
    subject = _subject(fields.get("subject"))
    headers = {name: ", ".join(map(str, found)) for name, found in shown.items()}
    headers |= {"Subject": subject, "Message-ID": message_id}
    lines = {name: ",\r\n ".join(map(_mailbox, found)) for name, found in shown.items()}
    lines |= {"Subject": _words(subject), "Message-ID": message_id}
    return Message(
        sender.addr_spec,
        recipients,
        headers,
        "".join(f"{name}: {line}\r\n" for name, line in lines.items()).encode("ascii"),
        text,
        html,
        _attachments(fields.get("attachments")),
        message_id,
    )


def encoded(mail: Message, opens: OpensFile) -> tuple[bytes | FilePart, ...]:
    """The message as it is sent."""
    content = _content(mail)
    head = mail.head + f"Date: {format_datetime(datetime.now(UTC))}\r\nMIME-Version: 1.0\r\n".encode()
    if not mail.attachments:
        return (head + content,)
    boundary = f"relay-{secrets.token_hex(16)}"
    head += f'Content-Type: multipart/mixed; boundary="{boundary}"\r\n'.encode()
    delimiter = f"--{boundary}".encode()
    parts: list[bytes | FilePart] = [head + b"\r\n" + delimiter + b"\r\n" + content]
    for record in mail.attachments:
        parts += (b"\r\n" + delimiter + b"\r\n" + _attachment_head(record), opens(record))
    return (*parts, b"\r\n" + delimiter + b"--\r\n")


def shown(mail: Message) -> bytes:
    """The content as it is stored and shown, with the name and size of each attachment in place of its bytes."""
    blocks = [mail.text, mail.html and f"[HTML]\n{mail.html}"]
    blocks += (f"[{safe_name(as_text(one['name']))}, {as_text(one['size'])} bytes]" for one in mail.attachments)
    return "\n\n".join(filter(None, blocks)).encode("utf-8", "replace")


def _content(mail: Message) -> bytes:
    """Text and HTML with their own headers, to follow the headers of the mail or a delimiter."""
    content = EmailMessage(policy=SMTP)
    if mail.text:
        content.set_content(mail.text, cte="base64" if _is_long(mail.text) else None)
    if mail.text and mail.html:
        content.add_alternative(mail.html, subtype="html")
    elif mail.html:
        content.set_content(mail.html, subtype="html")
    del content["MIME-Version"]
    return content.as_bytes()


def _is_long(text: str) -> bool:
    """Whether a text has a line that is longer than SMTP allows."""
    return any(len(line) > 900 for line in _line_end.split(text))


def _mailbox(address: Address) -> str:
    """An address as it is sent, with its name as a quoted text or as encoded words."""
    name = address.display_name
    if not name:
        return address.addr_spec
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    quoted = f'"{escaped}"' if _is_plain(name) else _words(name)
    return f"{quoted} <{address.addr_spec}>"


def _words(text: str) -> str:
    """A text as it is sent in a header: as encoded words if it has characters beyond ASCII, or what looks like one.

    The parser of `email` would decode an encoded word in the text of a stranger, and write the result unencoded.
    """
    is_short = len(text) <= _MAX_LINE
    return text if is_short and _is_plain(text) else Header(text, "utf-8", maxlinelen=66).encode(linesep="\r\n")


def _attachment_head(record: Mapping[str, Any]) -> bytes:
    kind, name = safe_type(as_text(record["type"])), safe_name(as_text(record["name"]))
    disposition = f"Content-Disposition: attachment;{_filename(name)}"
    return f"Content-Type: {kind}\r\nContent-Transfer-Encoding: base64\r\n{disposition}\r\n\r\n".encode("ascii")


def _filename(name: str) -> str:
    """The parameter `filename`, encoded unless it is plain, and in several parts if it is long (RFC 2231)."""
    if _is_plain(name) and not set(name) & {'"', "\\"}:
        return f' filename="{name}"'
    whole = quote(name, safe="")
    if len(whole) <= _MAX_LINE:
        return f"\r\n filename*=utf-8''{whole}"
    parts = [name[start : start + _FILENAME_CHARACTERS] for start in range(0, len(name), _FILENAME_CHARACTERS)]
    charset = "utf-8''"
    return ";".join(
        f"\r\n filename*{number}*={charset if number == 0 else ''}{quote(part, safe='')}"
        for number, part in enumerate(parts)
    )


def _attachments(value: Any) -> tuple[dict[str, Any], ...]:
    values = value if isinstance(value, list) else [] if value in (None, "") else [value]
    if not all(map(is_file, values)):
        raise ValueRefused("An attachment is a file, such as {{ event.files[0] }}")
    if len(values) > MAX_ATTACHMENTS:
        raise ValueRefused(f"A mail may have {MAX_ATTACHMENTS} attachments")
    return tuple(values)


def _subject(value: Any) -> str:
    """A subject of one line: line breaks become spaces."""
    text = " ".join(as_text(value or "").split())
    if _unsendable(text):
        raise ValueRefused("The subject has a control character in it")
    return text


def _one_line(label: str, value: Any) -> str:
    text = as_text(value).strip() if value else ""
    if not text:
        raise ValueRefused(f"{label} is empty")
    return text


def _text(value: Any) -> str:
    text = as_text(value) if value else ""
    return "\n".join(_line_end.split(text)).replace("\0", "").encode("utf-8", "replace").decode()


def _addresses(value: Any, label: str) -> list[Address]:
    items: Iterable[Any] = value if isinstance(value, list) else [value] if value else []
    texts = (part for item in items for part in _split(as_text(item)) if part.strip())
    found = [_address(text, label) for text in itertools.islice(texts, _MAX_LISTED + 1)]
    if len(found) > _MAX_LISTED:
        raise ValueRefused(f"A mail may have {MAX_RECIPIENTS} recipients")
    return found


def _split(text: str) -> Iterator[str]:
    """Yield the addresses of a text with commas or semicolons between them, outside of quotes."""
    start, in_quotes = 0, False
    for mark in _marks(text):
        if mark[0] == '"':
            in_quotes = not in_quotes
        elif mark[0] in ",;" and not in_quotes:
            yield text[start : mark.start()]
            start = mark.end()
    yield text[start:]


def _address(text: str, label: str) -> Address:
    """An address such as `ada@example.com` or `Ada <ada@example.com>`; the value itself is in no error."""
    if _unsendable(text):
        raise ValueRefused(f"{label} has a line break or a control character in it")
    if len(text) > _MAX_ADDRESS:
        raise ValueRefused(f"{label} has an address that is too long")
    match = _named(text.strip())
    name, spec = (re.sub(r"\\(.)", r"\1", match[1] or match[2] or ""), match[3]) if match else ("", text.strip())
    local, at, domain = spec.rpartition("@")
    if not at or len(local) > 64 or not _is_local(local):
        raise ValueRefused(f"{label} has an address that can't be one; it looks like ada@example.com")
    return Address(" ".join(name.split()), local, _domain(domain, label))


def _domain(domain: str, label: str) -> str:
    if not domain.isascii():
        try:
            domain = idna.encode(domain, uts46=True).decode()
        except (idna.IDNAError, UnicodeError):
            domain = ""
    if not _is_domain(domain):
        raise ValueRefused(f"{label} has an address with a domain that can't be one")
    return domain.lower()
