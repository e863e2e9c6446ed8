"""Hostile requests over real sockets to a whole Relay: the server, ingest, and what is stored."""

from __future__ import annotations

import contextlib
import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.support.running import Relay, wait_until
from tests.system.test_hostile import post

CHUNKED = b"Transfer-Encoding: chunked\r\n"
IN_CHUNKS = b"2\r\n{}\r\n0\r\n\r\n"
OWN_LENGTH = CHUNKED + b"Content-Length: %d\r\n"


@pytest.fixture(scope="module")
def relay(prepared: Path) -> Iterator[Relay]:
    """One Relay for all, which may call itself."""
    running = Relay(RELAY_ALLOWED_NETWORKS="127.0.0.0/8", RELAY_BODY_TIMEOUT="1", RELAY_REFUSED_RATE="")
    try:
        yield running.with_account(prepared).start()
    finally:
        running.remove()


def publish(relay: Relay, step: dict[str, Any], **trigger: Any) -> tuple[int, str]:
    document = {"relay": 1, "name": "F", "trigger": {"kind": "webhook", **trigger}, "steps": [{"id": "do", **step}]}
    made = relay.json("import", "-", "--publish", given=json.dumps(document))
    return made["flow"], made["url"]


@pytest.fixture(scope="module")
def flow(relay: Relay) -> tuple[int, str]:
    """A flow that looks at its event's body: its id and URL."""
    return publish(relay, {"kind": "set", "values": {"n": "{{ event.body }}"}})


def exchange(url: str, request: bytes) -> bytes:
    """What is answered to these very bytes until the server has answered and closed, or rests for a second."""
    parts = urlsplit(url)
    answer = b""
    with socket.create_connection((parts.hostname or "", parts.port or 0), timeout=20) as connection:
        connection.sendall(request)
        with contextlib.suppress(TimeoutError):
            while not _is_whole(answer) and (part := connection.recv(65_536)):
                answer += part
                connection.settimeout(1.0)
    return answer


def _is_whole(answer: bytes) -> bool:
    head, gap, body = answer.partition(b"\r\n\r\n")
    length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
    return bool(gap) and length.isdigit() and len(body) >= int(length)


def request(
    url: str,
    headers: bytes = b"",
    body: bytes = b"{}",
    *,
    method: bytes = b"POST",
    path: bytes = b"",
    length: bool = True,
) -> bytes:
    declared = b"Content-Length: %d\r\n" % len(body) if length else b""
    target = path.replace(b"{in}", urlsplit(url).path.encode()) or urlsplit(url).path.encode()
    return b"%s %s HTTP/1.1\r\nHost: localhost\r\n%s%s\r\n%s" % (method, target, headers, declared, body)


def status(answer: bytes) -> int:
    return int(answer.split()[1])


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        (b"X-Big: " + b"a" * 1_000_000 + b"\r\n", {431, 400}),
        (b"".join(b"X-%d: a\r\n" % number for number in range(10_000)), {431, 400}),
        (b"X-A: a\r\n" * 90, {202}),
        (b"X_Hub_Signature_256: sha256=00\r\n", {202}),
        (b"X-Hub-Signature-256: \xff\xfe\r\n", {202}),
        (b"X-HTTP-Method-Override: DELETE\r\n", {202}),
        (b"Content-Length: 3\r\n", {400}),
        (b"X-A: a\0b\r\n", {400}),
        (b"X-A: a\rb\r\n", {400}),
        (b"X-A: a\r\n b\r\n", {400}),
        (b"X(A: a\r\n", {400}),
        (b": a\r\n", {400}),
        (b"Content-Encoding: gzip\r\n", {400}),
        (b"Content-Encoding: identity\r\nContent-Encoding: br\r\n", {400}),
        (b"Content-Encoding: zstd\r\n", {415}),
        (b"Content-Encoding: gzip, br, gzip, br\r\n", {415}),
        (b"Content-Type: " + b"a" * 10_000 + b"\r\n", {202}),
        (b'Content-Type: \xff/;;;="\r\n', {202}),
    ],
)
def test_headers(relay: Relay, flow: tuple[int, str], headers: bytes, expected: set[int]) -> None:
    assert status(exchange(flow[1], request(flow[1], headers))) in expected


@pytest.mark.parametrize(
    ("headers", "body", "expected"),
    [
        (CHUNKED, IN_CHUNKS, 202),
        (CHUNKED, b"2;a=b\r\n{}\r\n0\r\nX-T: 1\r\n\r\n", 202),
        (CHUNKED, b"-2\r\n{}\r\n0\r\n\r\n", 400),
        (CHUNKED, b"FFFFFFFFFFFFFFFFF\r\n{}", 400),
        (CHUNKED, b"FFFFFFFFFFF\r\n{}", 408),
        (CHUNKED, b"2\r\n{}\r\n", 408),
        (CHUNKED, b"1\r\na\r\n" * 20_000 + b"0\r\n\r\n", 400),
        (b"Transfer-Encoding: gzip, chunked\r\n", IN_CHUNKS, 400),
        (b"Transfer-Encoding: chunked, identity\r\n", IN_CHUNKS, 400),
        (b"Transfer-Encoding : chunked\r\n", IN_CHUNKS, 400),
        (b"Content-Length: 2, 3\r\n", b"{}", 400),
        (b"Content-Length: -1\r\n", b"{}", 400),
        (b"Content-Length: 0x2\r\n", b"{}", 400),
        (b"Content-Length: 99999999999\r\n", b"{}", 413),
        (b"Content-Length: 50\r\n", b"{}", 408),
    ],
)
def test_lengths(relay: Relay, flow: tuple[int, str], headers: bytes, body: bytes, expected: int) -> None:
    assert status(exchange(flow[1], request(flow[1], headers, body, length=False))) == expected


def test_what_has_two_lengths_smuggles_nothing(relay: Relay, flow: tuple[int, str]) -> None:
    smuggled = request(flow[1], OWN_LENGTH % 2, IN_CHUNKS, length=False) + b"GET /health/ HTTP/1.1\r\nHost: a\r\n\r\n"

    answer = exchange(flow[1], smuggled)

    assert status(answer) in {400, 202}
    assert b"connection: close" in answer.lower()
    assert answer.count(b"HTTP/1.1") == 1


@pytest.mark.parametrize(
    ("method", "expected"),
    [(b"TRACE", 405), (b"CONNECT", 405), (b"PROPFIND", 405), (b"post", 405), (b"A" * 20_000, 405), (b"GE\tT", 400)],
)
def test_methods(relay: Relay, flow: tuple[int, str], method: bytes, expected: int) -> None:
    assert status(exchange(flow[1], request(flow[1], method=method))) == expected


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (b"{in}%00", 404),
        (b"{in}%2f..%2fother", 404),
        (b"{in}/", 202),
        (b"{in}//", 404),
        (b"{in};x=1", 404),
        (b"{in}/../other", 404),
        (b"{in}%zz", 404),
        (b"{in}\xc3\xa9", 404),
        (b"/in/", 404),
        (b"/in/../{in}", 404),
        (b"/in/%61" + b"a" * 31, 404),
        (b"{in}x", 404),
        (b"{in} x", 400),
        (b"{in}?" + b"a[b][c]=1&" * 1_000, 202),
        (b"{in}?a=%00&b=%ff%fe&c=%ud800", 202),
        (b"{in}?" + b"a" * 100_000, 414),
    ],
)
def test_paths(relay: Relay, flow: tuple[int, str], path: bytes, expected: int) -> None:
    assert status(exchange(flow[1], request(flow[1], path=path))) == expected


def test_expect_continue_is_answered(relay: Relay, flow: tuple[int, str]) -> None:
    answer = exchange(flow[1], request(flow[1], b"Expect: 100-continue\r\n"))

    assert status(answer) == 100
    assert b"202 Accepted" in answer


def test_a_sender_of_much_sees_why_it_is_refused(relay: Relay) -> None:
    _, url = publish(relay, {"kind": "set", "values": {}}, methods=["PUT"])

    assert post(url, b"x" * 5_000_000) == 405


BODIES = {
    "deep list": (b"[" * 100_000 + b"]" * 100_000, "application/json", "failed"),
    "deep object": (b'{"a":' * 100_000, "application/json", "failed"),
    "prototype": (b'{"__proto__": {"x": 1}, "constructor": {}}', "application/json", "succeeded"),
    "NUL": (b'{"a": "\\u0000"}', "application/json", "succeeded"),
    "surrogate": (b'{"a": "\\ud800"}', "application/json", "succeeded"),
    "infinity": (b'{"a": 1e400}', "application/json", "failed"),
    "long number": (b'{"a": ' + b"1" * 4301 + b"}", "application/json", "failed"),
    "trailing": (b"{} trailing", "application/json", "failed"),
    "mark": (b"\xef\xbb\xbf{}", "application/json", "succeeded"),
    "no object": (b"null", "application/json", "succeeded"),
    "external entity": (
        b'<!DOCTYPE a [<!ENTITY x SYSTEM "http://127.0.0.1:1/">]><a>&x;</a>',
        "application/xml",
        "failed",
    ),
    "many entities": (
        b'<!DOCTYPE a [<!ENTITY a "' + b"x" * 50_000 + b'">]><a>' + b"&a;" * 50_000 + b"</a>",
        "text/xml",
        "failed",
    ),
    "parameter entity": (b'<!DOCTYPE a [<!ENTITY % p SYSTEM "file:///x">%p;]><a/>', "text/xml", "failed"),
    "deep XML": (b"<a>" * 100_000, "text/xml", "failed"),
    "file name": (
        b'--b\r\nContent-Disposition: form-data; name="f"; filename="../../x"\r\n\r\nhi\r\n--b--\r\n',
        "multipart/form-data; boundary=b",
        "succeeded",
    ),
    "no boundary": (b"x", "multipart/form-data", "failed"),
    "long boundary": (b"x", "multipart/form-data; boundary=" + "b" * 10_000, "failed"),
    "many parts": (
        b'--b\r\nContent-Disposition: form-data; name="f"\r\n\r\n\r\n' * 16_000 + b"--b--\r\n",
        "multipart/form-data; boundary=b",
        "failed",
    ),
    "many fields": (b"a[b][c]=1&" * 10_000, "application/x-www-form-urlencoded", "failed"),
    "unknown charset": (b"{}", "text/plain; charset=nope", "succeeded"),
    "odd charset": (b"x" * 100_000, "text/plain; charset=punycode", "succeeded"),
    "all bytes": (bytes(range(256)), "application/octet-stream", "succeeded"),
}


def test_bodies(relay: Relay) -> None:
    """All are taken, and each run ends as it should, none taking the worker or the others with it."""
    flow, url = publish(relay, {"kind": "set", "values": {"n": "{{ event.body }}"}})

    answers = [post(url, body, content_type) for body, content_type, _ in BODIES.values()]

    def ended() -> list[dict[str, Any]]:
        runs: list[dict[str, Any]] = relay.json("runs", "--flow", str(flow), "--limit", "100", "--json")
        return runs if all(run["state"] in ("succeeded", "failed") for run in runs) else []

    runs = wait_until(ended, seconds=60, what="all runs end")
    assert answers == [202] * len(BODIES)
    found = dict(zip(BODIES, [run["state"] for run in sorted(runs, key=lambda run: run["event"])], strict=True))
    assert found == {name: state for name, (_, _, state) in BODIES.items()}
    assert all(run["reason"] for run in runs if run["state"] == "failed")


def test_flows_that_call_each_other_endlessly_end(relay: Relay) -> None:
    inputs = {"url": "{{ event.body.url }}", "body": {"json": "{{ event.body }}"}}
    flow, url = publish(relay, {"kind": "action", "action": "http.request", "inputs": inputs})

    post(url, json.dumps({"url": url}).encode())

    def ended() -> list[dict[str, Any]]:
        runs: list[dict[str, Any]] = relay.json("runs", "--flow", str(flow), "--json")
        return runs if any(run["state"] == "failed" for run in runs) else []

    runs = wait_until(ended, what="the circle ends")
    assert len(runs) == 11
    assert sorted(run["state"] for run in runs) == ["failed"] + ["succeeded"] * 10
    assert "400" in next(run["reason"] for run in runs if run["state"] == "failed")


def test_after_all_that_it_still_works(relay: Relay, flow: tuple[int, str]) -> None:
    assert post(flow[1]) == 202
    assert "Traceback" not in relay.log
