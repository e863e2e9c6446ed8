"""The mail of an action: what people see, what the server receives, and what nobody can inject."""

from __future__ import annotations

from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest

from relay.bodies.file_names import safe_name
from relay.connectors import mail_message
from relay.errors import ValueRefused
from relay.outbound import FilePart

FILE = {"id": "a-1", "name": "Rechnung ü.pdf", "type": "application/pdf", "size": 3, "link": "/"}


def made(**fields: Any) -> mail_message.Message:
    return mail_message.message(
        {"from": "Shop <shop@example.com>", "to": ["ada@example.com"], "subject": "Hi", "text": "One", **fields}, "k"
    )


def received(**fields: Any) -> EmailMessage:
    data = b""
    for part in mail_message.encoded(made(**fields), lambda _: FilePart(3, lambda: iter((b"pdf",)))):
        if isinstance(part, bytes):
            data += part
        else:
            import base64

            data += base64.encodebytes(b"".join(part.open()))
    assert all(len(line) <= 998 for line in data.split(b"\r\n"))
    assert data.replace(b"\r\n", b"").count(b"\n") <= data.count(b"cGRm")
    parsed: EmailMessage = message_from_bytes(data, policy=policy.default)
    return parsed


def test_a_mail_has_text_html_and_attachments() -> None:
    mail = received(html="<b>Eins ü</b>", text="Zeile\r\n.punkt\nü", attachments=[FILE, {**FILE, "name": "b.txt"}])

    assert mail.get_body(("plain",)).get_content().split() == ["Zeile", ".punkt", "ü"]  # type: ignore[union-attr]
    assert mail.get_body(("html",)).get_content().strip() == "<b>Eins ü</b>"  # type: ignore[union-attr]
    found = [(one.get_filename(), one.get_content_type(), one.get_content()) for one in mail.iter_attachments()]
    assert found == [("Rechnung ü.pdf", "application/pdf", b"pdf"), ("b.txt", "application/pdf", b"pdf")]
    assert mail["Date"]
    assert mail["MIME-Version"] == "1.0"


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        ({}, "text/plain"),
        ({"text": "", "html": "<b>x</b>"}, "text/html"),
        ({"html": "<b>x</b>"}, "multipart/alternative"),
        ({"attachments": FILE}, "multipart/mixed"),
        ({"text": "x" * 100_000}, "text/plain"),
        ({"html": "ü" * 50_000}, "multipart/alternative"),
    ],
)
def test_a_mail_has_no_more_parts_than_it_needs(fields: dict[str, Any], kind: str) -> None:
    assert received(**fields).get_content_type() == kind


def test_recipients_are_each_told_once_and_bcc_is_in_no_header() -> None:
    fields = {
        "to": ['Ada <ada@example.com>, "Doe, Jane" <jane@example.com>', "ada@example.com"],
        "cc": ["cc@example.com"],
        "bcc": "secret@example.com; ada@example.com",
        "reply_to": "Help <help@example.com>",
    }

    mail, seen = made(**fields), received(**fields)

    assert mail.recipients == ("ada@example.com", "jane@example.com", "cc@example.com", "secret@example.com")
    assert [one.display_name for one in seen["To"].addresses] == ["Ada", "Doe, Jane", ""]
    assert (seen["Cc"], seen["Reply-To"]) == ("cc@example.com", "Help <help@example.com>")
    assert "secret" not in seen.as_string()


def test_names_and_domains_of_any_language() -> None:
    mail, seen = (
        made(to=["Zoë Ö <zoe@bücher.example>"]),
        received(to=["Zoë Ö <zoe@bücher.example>"], subject="Grüße 🎉"),
    )

    assert mail.recipients == ("zoe@xn--bcher-kva.example",)
    assert seen["To"].addresses[0].display_name == "Zoë Ö"
    assert seen["Subject"] == "Grüße 🎉"


def test_the_message_id_is_that_of_the_key() -> None:
    first, second = made(), mail_message.message({**_fields(), "from": "shop@example.com"}, "other")

    assert first.message_id == made().message_id
    assert first.message_id.endswith("@example.com>")
    assert first.message_id != second.message_id


def _fields() -> dict[str, Any]:
    return {"to": ["ada@example.com"], "subject": "Hi", "text": "One"}


BREAKS = ["\r\n", "\n", "\r", "\0", "\u2028", "\x0b"]


@pytest.mark.parametrize("end", BREAKS)
@pytest.mark.parametrize("field", ["from", "to", "cc", "bcc", "reply_to", "subject"])
def test_nothing_is_injected(field: str, end: str) -> None:
    hostile = f"a@example.com{end}Bcc: evil@example.com{end}RCPT TO:<evil@example.com>"
    try:
        mail = made(**{field: hostile if field in ("from", "reply_to", "subject") else [hostile]})
    except ValueRefused as error:
        assert "evil" not in str(error)
        return

    assert field == "subject"
    assert mail.recipients == ("ada@example.com",)
    seen = received(subject=hostile)
    assert seen["Bcc"] is None
    assert "\n" not in seen["Subject"]


@pytest.mark.parametrize(
    "hostile",
    [
        *('"' + '\\"' * 500_000, '"\\' * 500_000, '"' * 1_000_001, "<" * 1_000_000, " " * 1_000_000 + "x"),
        *("a" + " " * 1_000_000 + "<x", "a@example.com," * 100_000, "a@" + "ü" * 500_000, "a@" + "b." * 500_000),
    ],
)
def test_a_long_list_of_anything_is_refused_at_once(hostile: str) -> None:
    # Where time is not linear, this doesn't end.
    with pytest.raises(ValueRefused):
        made(to=hostile)


@pytest.mark.parametrize(
    ("written", "addresses"),
    [
        ("a@example.com; b@example.com,c@example.com,", ["a@example.com", "b@example.com", "c@example.com"]),
        ('"Doe, \\"J; r\\" Jane" <a@example.com>;b@example.com', ["a@example.com", "b@example.com"]),
        ("a@example.com," * 150, ["a@example.com"]),
    ],
)
def test_a_text_lists_addresses(written: str, addresses: list[str]) -> None:
    assert list(made(to=written).recipients) == addresses


WORDS = [
    "=?utf-8?q?x=0d=0aBcc:_evil@example.com=0d=0a=0d=0abody?=",
    "é =?utf-8?b?eA0KQmNjOiBldmlsQGV4YW1wbGUuY29t?=",
    "=?utf-8?q?a=22_=3Cevil=40example.com=3E=2C_=22?=",
    "=?utf-8?q?=3D=3Futf-8=3Fq=3Fx=0d=0aBcc:_evil?=",
]


@pytest.mark.parametrize("hostile", WORDS)
def test_what_looks_like_an_encoded_word_is_sent_as_text(hostile: str) -> None:
    name, file = f'"{hostile}" <a@example.com>', {**FILE, "name": f"{hostile}.pdf"}

    seen = received(**{"from": name}, to=[name], cc=[name], reply_to=name, subject=hostile, attachments=file)

    assert seen["Bcc"] is None
    assert seen["Subject"] == hostile
    for header in ("From", "To", "Cc", "Reply-To"):
        (one,) = seen[header].addresses
        # Python's parser leaves a space between two encoded words of a name.
        assert one.display_name.replace(" ", "") == hostile.replace(" ", "")
        assert one.addr_spec == "a@example.com"
    (attached,) = seen.iter_attachments()
    assert attached["Bcc"] is None
    assert attached.get_filename() == f"{hostile}.pdf"


@pytest.mark.parametrize("name", ["🎉" * 190 + ".pdf", 'a"; x="y\\.pdf', "ü" * 150 + ".txt", "plain name.pdf"])
def test_a_file_name_arrives_as_it_is(name: str) -> None:
    (attached,) = received(attachments={**FILE, "name": name}).iter_attachments()

    assert attached.get_filename() == safe_name(name)


def test_long_texts_in_headers_are_folded() -> None:
    name = "x y " * 74

    seen = received(subject="word " * 900, to=[f"{name} <a@example.com>"])

    assert seen["Subject"] == "word " * 899 + "word"
    assert seen["To"].addresses[0].display_name == name.strip()


@pytest.mark.parametrize(
    "address",
    [
        *("", "x", "@example.com", "a@", "a b@example.com", "a@b c", "<a@example.com", "a@example.com>", "a@@b.com"),
        *("a@example.com> SIZE=1", '"a b"@example.com', "a@[127.0.0.1]", "ü@example.com", "a@-b.com", "a@b..com"),
        *("a" * 65 + "@example.com", "a@" + "b" * 254, "Ada <a@example.com> <b@example.com>", ".a@example.com"),
    ],
)
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(ValueRefused):
        made(**{"from": address})


def test_a_name_cannot_pretend_to_be_an_address() -> None:
    seen = received(**{"from": '"ceo@bank.example" <shop@example.com>'})

    (one,) = seen["From"].addresses
    assert (one.addr_spec, one.display_name) == ("shop@example.com", "ceo@bank.example")


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"to": []}, "To has no address"),
        ({"to": [f"a{number}@example.com" for number in range(101)]}, "100 recipients"),
        ({"text": ""}, "needs a text or HTML"),
        ({"attachments": ["x"]}, "is a file"),
        ({"attachments": [FILE] * 51}, "50 attachments"),
    ],
)
def test_a_mail_that_cannot_be_sent_says_why(fields: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueRefused, match=reason):
        made(**fields)
