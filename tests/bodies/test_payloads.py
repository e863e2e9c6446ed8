"""Bodies of each content type, also hostile ones."""

from __future__ import annotations

import time
from typing import Any

import pytest

from relay.bodies import numerals
from relay.bodies.payloads import parse
from relay.errors import PayloadError

FORM = "application/x-www-form-urlencoded"
MULTIPART = 'multipart/form-data; boundary="xx"'


def multipart_body(*parts: str) -> bytes:
    return ("".join(f"--xx\r\nContent-Disposition: form-data; {part}\r\n" for part in parts) + "--xx--\r\n").encode()


@pytest.mark.parametrize(
    ("body", "content_type", "value"),
    [
        (b'{"a": [1, 2.5, null, true]}', "application/json", {"a": [1, 2.5, None, True]}),
        (b'{"a": 1}', "Application/JSON; Charset=utf-8", {"a": 1}),
        (b'{"a": 1}', "application/vnd.github+json", {"a": 1}),
        (b"42", "application/json", 42),
        (b"e30.eyJhIjogIlx1MDBlOSJ9.c2ln\n", "application/jwt", {"a": "é"}),
        (b"123456789012345678901234567890", "application/json", 123456789012345678901234567890),
        (b"\xef\xbb\xbf{}", "application/json", {}),
        (b'{"a":1,"a":2}', "application/json", {"a": 2}),
        (b'{"a":"\\u0000b"}', "application/json", {"a": "\ufffdb"}),
        (b'{"\\u0000":1}', "application/json", {"\ufffd": 1}),
        (b'{"a":"\\\\u0000"}', "application/json", {"a": "\\u0000"}),
        (b'"\\ud800"', "application/json", "\ufffd"),
        (b'"\\\\ud800 \\ud83d\\ude00 \\udc00"', "application/json", "\\ud800 \U0001f600 \ufffd"),
        (b'"\xff"', "application/json", "\ufffd"),
        ('"é"'.encode("latin-1"), "application/json; charset=iso-8859-1", "é"),
        (b'{"__proto__":{"x":1}}', "application/json", {"__proto__": {"x": 1}}),
        (b'{"items":1,"get":2}', "", {"items": 1, "get": 2}),
        (b"  [1]", "", [1]),
        (b"{not json", "", "{not json"),
        (b"hello", "", "hello"),
        (b"a=1&b=&a=2&c=%C3%A9+x", FORM, {"a": ["1", "2"], "b": "", "c": "é x"}),
        (b"a=%00", FORM, {"a": "\ufffd"}),
        (b"a[b][c]=1", FORM, {"a[b][c]": "1"}),
        ("grüße".encode("latin-1"), "text/plain; charset=iso-8859-1", "grüße"),
        (b"\xff\0", "text/plain", "\ufffd\ufffd"),
        (b"x", "text/plain; charset=punycode", "x"),
        (b"x", "text/plain; charset=latin-99", "x"),
        (b"x", "application/octet-stream", "x"),
        (b"x", "nonsense", "x"),
    ],
)
def test_a_body_becomes_a_value(body: bytes, content_type: str, value: Any) -> None:
    assert parse(body, content_type) == value


@pytest.mark.parametrize("content_type", ["", "application/json", FORM, MULTIPART, "text/xml", "text/plain"])
def test_an_empty_body_is_null(content_type: str) -> None:
    assert parse(b"", content_type) is None


@pytest.mark.parametrize("body", [b" ", b"\n", b"\r\n\t ", b"\xef\xbb\xbf", b"\xef\xbb\xbf\r\n"])
@pytest.mark.parametrize("content_type", ["application/json", "application/problem+json; charset=utf-8"])
def test_white_space_as_json_is_null(body: bytes, content_type: str) -> None:
    assert parse(body, content_type) is None


def test_a_number_keeps_its_kind() -> None:
    value = parse(b'{"a": 1.0, "b": 1}', "application/json")

    assert [type(item) for item in value.values()] == [float, int]  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"NaN", "The body is not valid JSON: it has NaN in it, a number that JSON can't have"),
        (
            b'{"a":"NaN","b":-Infinity}',
            "The body is not valid JSON: it has -Infinity in it, a number that JSON can't have",
        ),
        (b'{"a":"NaN",}', "The body is not valid JSON: trailing comma in object (byte 11)"),
        (b'{"a":1e400}', "The body is not valid JSON: a number in it is too large, as 1e400"),
        (b"1" * 4301, "The body is not valid JSON: integer value out of range"),
        (b"{} trailing", "The body is not valid JSON: trailing characters (byte 4)"),
        (b'{"a":', "The body is not valid JSON: it ends too early"),
        (b"[" * 100_000 + b"]" * 100_000, "The body is nested deeper than 64 levels"),
        (b'{"a":' * 100_000, "The body is nested deeper than 64 levels"),
        (b"[" * 900 + b"]" * 900, "The body is nested deeper than 64 levels"),
        (b"[" * 65 + b"]" * 65, "The body is nested deeper than 64 levels"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_json_that_is_refused(body: bytes, message: str) -> None:
    with pytest.raises(PayloadError) as refused:
        parse(body, "application/json")

    assert str(refused.value) == message


def test_64_levels_and_many_boxes_are_fine() -> None:
    assert parse(b"[" * 64 + b"]" * 64, "application/json")
    assert parse(b"[" + b"[]," * 500 + b"{}]", "application/json")


MANY = 100_001


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"[" + b"[]," * MANY + b"1]", "application/json"),
        (b"[" + b'{"a":0},' * MANY + b"1]", "application/json; charset=utf-8"),
        (b"[" + b"0," * 500_000 + b"1]", "application/vnd.api+json"),
        (b'["\xff",' + b"[]," * MANY + b"1]", "application/json"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_json_of_too_many_values_is_refused_before_it_is_decoded(
    body: bytes, content_type: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(numerals, "decode", lambda _: pytest.fail("decoded"))

    with pytest.raises(PayloadError, match="more than 100,000 lists and objects or 500,000 values"):
        parse(body, content_type)


@pytest.mark.parametrize("inside", [b"[", b"{", b'\\"[', b","])
def test_brackets_and_commas_within_texts_are_no_values(inside: bytes) -> None:
    value = parse(b'{"a": "' + inside * 510_000 + b'", "b": [1]}', "application/json")

    assert value["b"] == [1]  # type: ignore[index,call-overload]


def test_tags_within_texts_are_no_elements() -> None:
    value = parse(b"<a><!-- " + b"<b>" * MANY + b" --><c><![CDATA[" + b"<b>" * MANY + b"]]></c></a>", "text/xml")

    assert value == {"a": {"c": "<b>" * MANY}}


def test_names_of_files_hold_no_nul() -> None:
    body = multipart_body('name="a\0"; filename="b\0"\r\nContent-Type: image/png\0\r\n\r\n1')

    value = parse(body, MULTIPART)

    assert value == {"a\ufffd": {"filename": "b\ufffd", "content_type": "image/png\ufffd", "size": 1}}


def test_multipart_has_fields_and_described_files() -> None:
    body = multipart_body(
        'name="to"\r\n\r\na@example.com',
        'name="tag"\r\n\r\n1',
        'name="tag"\r\n\r\n2',
        'name="note"; filename="../../etc/cron.d/x"\r\nContent-Type: text/csv; charset=latin-1\r\n\r\n\xe9',
        'name="image"; filename="a.png"\r\nContent-Type: image/png\r\n\r\n1234',
    )

    value = parse(body, MULTIPART)

    assert value == {
        "to": "a@example.com",
        "tag": ["1", "2"],
        "note": {"filename": "../../etc/cron.d/x", "content_type": "text/csv", "size": 2, "text": "Ã©"},
        "image": {"filename": "a.png", "content_type": "image/png", "size": 4},
    }


def test_a_long_file_is_described_without_its_text() -> None:
    body = multipart_body('name="f"; filename="a.txt"\r\nContent-Type: text/plain\r\n\r\n' + "x" * 300_000)

    assert parse(body, MULTIPART) == {"f": {"filename": "a.txt", "content_type": "text/plain", "size": 300_000}}


@pytest.mark.parametrize(
    ("body", "content_type", "message"),
    [
        (b"x", "application/jwt", "is not a JSON Web Token"),
        (b"e30.A.c2ln", "application/jwt", "is not a JSON Web Token"),
        (b"e30.eyJ.c2ln", "application/jwt", "is not valid JSON"),
        (b"x", "multipart/form-data", "has no usable boundary"),
        (b"x", f"multipart/form-data; boundary={'b' * 10_000}", "has no usable boundary"),
        (b"no parts here", MULTIPART, "can't be read: unexpected end of multipart stream"),
        (multipart_body('name="a"\r\n\r\n1')[:-6], MULTIPART, "can't be read: unexpected end"),
        (multipart_body(*['name="a"\r\n\r\n1'] * 201), MULTIPART, "can't be read: maximum segment count exceeded"),
        (multipart_body('name="a"\r\n\r\n1').replace(b'"a"', b'"\xff"'), MULTIPART, "segment header failed to decode$"),
        (multipart_body(f'name="{"a" * 5_000}"\r\n\r\n1'), MULTIPART, "can't be read: maximum segment header length"),
        (b"--xx\r\nX-Y: 1\r\n\r\n1\r\n--xx--", MULTIPART, "can't be read: missing Content-Disposition"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_multipart_that_is_refused(body: bytes, content_type: str, message: str) -> None:
    with pytest.raises(PayloadError, match=message):
        parse(body, content_type)


def test_a_form_of_too_many_fields_is_refused() -> None:
    with pytest.raises(PayloadError, match="more than 1,000 fields"):
        parse(b"&".join([b"a=1"] * 1_001), FORM)


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b"<a><b>1</b><b>2</b></a>", {"a": {"b": ["1", "2"]}}),
        (b"<a id='7'>x</a>", {"a": {"@id": "7", "#text": "x"}}),
        (b"<a/>", {"a": None}),
        (b"<s:a xmlns:s='u'><s:b>1</s:b></s:a>", {"s:a": {"@xmlns:s": "u", "s:b": "1"}}),
        ('<?xml version="1.0" encoding="iso-8859-1"?><a>é</a>'.encode("latin-1"), {"a": "é"}),
        ('<?xml version="1.0" encoding="utf-16"?><a>é</a>'.encode("utf-16"), {"a": "é"}),
        (b"\xef\xbb\xbf<a>1</a>", {"a": "1"}),
        (b'\n<?xml version="1.0"?><a>1</a>', {"a": "1"}),
        (b"<a><![CDATA[<!ENTITY x 'y'> <!ATTLIST]]></a>", {"a": "<!ENTITY x 'y'> <!ATTLIST"}),
        (b"<!DOCTYPE a [<!-- <!ENTITY x 'y'> -->]><a>1</a>", {"a": "1"}),
        (b"<!-- <!DOCTYPE a [<!ENTITY x 'y'>]> --><a><!-- <!ENTITY x 'y'> -->1</a>", {"a": "1"}),
        (b'<!DOCTYPE a SYSTEM "http://192.0.2.1/x.dtd"><a>1</a>', {"a": "1"}),
        (
            b'<a xmlns:xi="http://www.w3.org/2001/XInclude"><xi:include href="file:///etc/passwd"/></a>',
            {"a": {"@xmlns:xi": "http://www.w3.org/2001/XInclude", "xi:include": {"@href": "file:///etc/passwd"}}},
        ),
    ],
)
def test_xml_becomes_a_tree(body: bytes, value: Any) -> None:
    assert parse(body, "application/soap+xml") == value
    assert parse(body, "text/xml") == value


QUADRATIC = b'<!DOCTYPE a [<!ENTITY a "' + b"x" * 50_000 + b'">]><a>' + b"&a;" * 50_000 + b"</a>"
DEFAULTS = b'<!DOCTYPE a [<!ATTLIST b c CDATA "' + b"x" * 50_000 + b'">]><a>' + b"<b/>" * 50_000 + b"</a>"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>', "declares entities"),
        (b'<!DOCTYPE a [<!ENTITY % p SYSTEM "http://192.0.2.1/">%p;]><a/>', "declares entities"),
        (
            b"<!DOCTYPE a [<!NOTATION n SYSTEM '<!--'><!ENTITY x 'y'><!NOTATION m SYSTEM '-->'>]><a/>",
            "declares entities",
        ),
        (b"<?p <!-- ?><!DOCTYPE a [<!ENTITY x 'y'>]><a>--></a>", "declares entities"),
        (QUADRATIC, "declares entities"),
        (QUADRATIC.decode().encode("utf-16"), "declares entities"),
        (DEFAULTS, "declares entities or default attributes"),
        (b"<a>&x;</a>", "not valid XML: undefined entity"),
        (b"<a><b></a>", "not valid XML: mismatched tag"),
        (b"hello", "not valid XML: syntax error"),
        (b"<a>" * 65 + b"</a>" * 65, "deeper than 64"),
        (b"<a>" * 100_000 + b"</a>" * 100_000, "deeper than 64"),
        (b"<a>" + b"<b/>" * 100_001 + b"</a>", "over 100,000 elements"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_xml_that_is_refused_in_bounded_time(body: bytes, message: str) -> None:
    started = time.thread_time()

    with pytest.raises(PayloadError, match=message):
        parse(body, "application/xml")

    # Less than a second on a free machine. Work that grows with the square of the body takes minutes.
    assert time.thread_time() - started < 10
