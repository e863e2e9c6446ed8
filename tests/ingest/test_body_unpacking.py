"""Compressed bodies: verified as sent, decompressed within the trigger's size, and stored decompressed."""

from __future__ import annotations

import functools
import gzip
import zlib

import brotli
import pytest

from relay.engine.configuration import flow_lifecycle, trigger_secrets
from relay.models import Event, Flow, Rejection, Workspace
from tests.ingest.test_application import FLOW, SAY, call, url
from tests.signatures.conftest import hex_of

# Without the time, so that every process of xdist collects the same parameters.
gzipped = functools.partial(gzip.compress, mtime=0)

pytestmark = pytest.mark.django_db(transaction=True)

BODY = '{"name": "Jörg", "n": 1}'.encode()
MOST = 10_000


def raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


@pytest.fixture
def flow(workspace: Workspace) -> Flow:
    document = {**FLOW, "trigger": {"kind": "webhook", "max_bytes": MOST}, "steps": [SAY]}
    return flow_lifecycle.import_document(workspace, document, publish_it=True)


@pytest.mark.parametrize(
    ("coding", "packed"),
    [
        ("gzip", gzipped(BODY)),
        ("X-GZIP", gzipped(BODY)),
        ("deflate", zlib.compress(BODY)),
        ("deflate", raw_deflate(BODY)),
        ("br", brotli.compress(BODY)),
        ("gzip, br", brotli.compress(gzipped(BODY))),
        ("identity", BODY),
        ("", BODY),
    ],
)
def test_a_packed_body_is_stored_unpacked_with_its_header(flow: Flow, coding: str, packed: bytes) -> None:
    status, _, _ = call(url(flow), body=packed, content_type="application/json", content_encoding=coding)

    event = Event.objects.get()
    assert (status, bytes(event.body), event.headers["content-encoding"]) == (202, BODY, coding)


@pytest.mark.parametrize(
    ("coding", "packed", "status", "why", "said"),
    [
        ("gzip", gzipped(b" " * (MOST + 1)), 413, "size", "more than 10,000 bytes when it is unpacked"),
        ("br", brotli.compress(b" " * 50_000_000, quality=1)[:MOST], 413, "size", "when it is unpacked"),
        ("deflate", zlib.compress(b" " * 1_000_000), 413, "size", "when it is unpacked"),
        ("gzip, gzip", gzipped(gzipped(b" " * 3_000_000)), 413, "size", "when it is unpacked"),
        ("gzip", BODY, 400, "encoding", "can't be unpacked"),
        ("gzip", gzipped(BODY)[:-9], 400, "encoding", "ends too early"),
        ("gzip", gzipped(b"") * 200, 400, "encoding", "members"),
        ("br", b"\xff" * 90, 400, "encoding", "can't be unpacked"),
        ("zstd", BODY, 415, "encoding", "zstd"),
        ("gzip, gzip, gzip, gzip", BODY, 415, "encoding", "gzip"),
        ("gzip", b"x" * (MOST + 1), 413, "size", "10,001"),
    ],
    ids=["gzip", "br", "deflate", "twice", "plain", "short", "members", "no br", "zstd", "four", "packed"],
)
def test_what_cannot_be_unpacked_is_refused_with_its_reason(
    flow: Flow, coding: str, packed: bytes, status: int, why: str, said: str
) -> None:
    answered, _, _ = call(url(flow), body=packed, content_encoding=coding)

    kept = Rejection.objects.get()
    assert (answered, kept.status, kept.why, Event.objects.count()) == (status, status, why, 0)
    assert said in kept.reason


@pytest.mark.parametrize(("signed", "status"), [("packed", 202), ("unpacked", 401)])
def test_a_signature_is_of_the_bytes_as_they_came(workspace: Workspace, signed: str, status: int) -> None:
    document = {**FLOW, "trigger": {"kind": "webhook", "preset": "github"}, "steps": [SAY]}
    flow = flow_lifecycle.import_document(workspace, document, publish_it=True)
    trigger_secrets.add(flow, {"secret": "s3cret"})
    packed = gzipped(BODY)
    digest = hex_of("s3cret", packed if signed == "packed" else BODY)

    answered, _, _ = call(url(flow), body=packed, content_encoding="gzip", x_hub_signature_256=f"sha256={digest}")

    assert answered == status
    assert [bytes(event.body) for event in Event.objects.all()] == ([BODY] if status == 202 else [])
