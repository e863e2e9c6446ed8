import pytest

from relay.errors import RequestRefused
from relay.outbound import Request, check_headers
from relay.outbound.messages import encode
from relay.outbound.urls import parse


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("X-Key", "a\tb c"),
        ("x_key", ""),
        ("!#$%&'*+-.^_`|~", "caf\xe9"),
        ("User-Agent", "Mine"),
    ],
)
def test_accepts_what_http_can_carry(name: str, value: str) -> None:
    check_headers({name: value})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("", "a"),
        ("X Key", "a"),
        ("X-Key:", "a"),
        ("X-Foo: bar\nHost", "a"),
        ("Ключ", "a"),
        ("X-Key", "a\r\nHost: b"),
        ("X-Key", "a\nb"),
        ("X-Key", "a\rb"),
        ("X-Key", "a\0b"),
        ("X-Key", "a\x7fb"),
        ("X-Key", "a\x85b"),
        ("X-Key", "\ud800"),
        ("X-Key", "a\u2028b"),
        ("X-Key", "a\udfffb"),
        ("Host", "a"),
        ("CONTENT-LENGTH", "1"),
        ("Transfer-Encoding", "chunked"),
        ("Connection", "close"),
        ("Expect", "100-continue"),
        ("Upgrade", "h2c"),
        ("TE", "trailers"),
        ("Trailer", "a"),
        ("Keep-Alive", "1"),
        ("Proxy-Authorization", "a"),
        ("X-Key", "a" * 40_000),
    ],
)
def test_refuses_headers_that_split_frame_or_lie(name: str, value: str) -> None:
    with pytest.raises(RequestRefused) as refusal:
        check_headers({name: value})

    assert "\n" not in str(refusal.value)


def test_refuses_more_than_a_hundred_headers() -> None:
    check_headers({f"X-{number}": "" for number in range(100)})

    with pytest.raises(RequestRefused, match="100"):
        check_headers({f"X-{number}": "" for number in range(101)})


def test_a_refused_value_is_not_repeated() -> None:
    with pytest.raises(RequestRefused) as refusal:
        check_headers({"X-Key": "hunter22\n"})

    assert "hunter22" not in str(refusal.value)


def test_writes_a_request_as_http() -> None:
    request = Request("POST", "", {"X-Key": " caf\xe9 ", "accept-encoding": "gzip"}, b"abc")

    data = encode(request, parse("http://h.example:81/a?b=c#d"))

    head, _, body = data.partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    assert lines[:2] == [b"POST /a?b=c HTTP/1.1", b"Host: h.example:81"]
    assert sorted(lines[2:4]) == [b"Accept-Encoding: identity", b"X-Key: caf\xc3\xa9"]
    assert lines[4].startswith(b"User-Agent: Relay")
    assert lines[5:] == [b"Content-Length: 3"]
    assert body == b"abc"


@pytest.mark.parametrize(
    ("method", "body", "length"),
    [
        ("GET", None, None),
        ("HEAD", None, None),
        ("POST", None, b"0"),
        ("PATCH", b"", b"0"),
        ("DELETE", b"ab", b"2"),
    ],
)
def test_says_the_length_where_a_body_is_expected(method: str, body: bytes | None, length: bytes | None) -> None:
    data = encode(Request(method, "", {}, body), parse("http://h.example/"))

    written = [line[16:] for line in data.split(b"\r\n") if line.startswith(b"Content-Length: ")]
    assert written == ([] if length is None else [length])


@pytest.mark.parametrize("method", ["", "get", "TRACE", "CONNECT", "GE\tT", "GET / HTTP/1.1\r\nA:"])
def test_refuses_other_methods(method: str) -> None:
    with pytest.raises(RequestRefused, match="method"):
        encode(Request(method, ""), parse("http://h.example/"))


def test_an_own_user_agent_stays() -> None:
    data = encode(Request("GET", "", {"user-agent": "Mine"}), parse("http://h.example/"))

    assert b"user-agent: Mine\r\n" in data
    assert b"Relay" not in data
