"""Tests requests signed by senders' libraries or documentation, and altered ones that must be refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from relay.connectors import registry
from relay.signatures import vectors
from relay.signatures.scheme import Named
from relay.signatures.vectors import Vector

FACTS = Path(__file__).parents[2].parent / "shared" / "facts"
FILE = FACTS / "signature_vectors.json"
RECORDED: list[dict[str, Any]] = json.loads(FILE.read_text()) if FILE.exists() else []
BY_ID = {one["id"]: one for one in RECORDED}
VECTORS = [pytest.param(one, id=one.id) for one in (vectors.vectors_of(FILE.read_bytes()) if RECORDED else [])]
VALID = [param for param in VECTORS if BY_ID[param.id or ""]["valid"]]
# A secret that is sent as it is signs nothing.
SIGNS_NO_BODY = {"shared_secret_header", "basic_auth"}

pytestmark = pytest.mark.skipif(not RECORDED, reason="the recorded requests are not beside this checkout")


def is_valid(vector: Vector, **changed: Any) -> bool:
    return vectors.check(msgspec.structs.replace(vector, **changed), registry.scheme)[0].valid


def verified(param: Any) -> bool:
    """Whether a vector is more than a handshake that anyone may ask for."""
    how, _ = registry.scheme(param.values[0].scheme)
    return how is not None and vectors.check(param.values[0], registry.scheme)[0].reason != "A handshake"


VERIFIED = [param for param in VALID if verified(param)]


@pytest.mark.parametrize("vector", VECTORS)
def test_a_recorded_request(vector: Vector) -> None:
    recorded = BY_ID[vector.id]

    verdict, answer = vectors.check(vector, registry.scheme)

    assert verdict.valid == recorded["valid"], verdict.reason
    wanted = recorded.get("expect_handshake", {})
    if answer is not None and wanted:
        assert answer.status == wanted["status"]
        assert answer.body.decode() == wanted.get("body", answer.body.decode())
        assert "json" not in wanted or json.loads(answer.body) == wanted["json"]
        assert all(answer.headers[name].startswith(value) for name, value in wanted.get("headers", {}).items())


@pytest.mark.parametrize("vector", [one for one in VERIFIED if one.values[0].scheme not in SIGNS_NO_BODY])  # type: ignore[union-attr]
def test_another_body_fails(vector: Vector) -> None:
    body = vectors.request_of(vector).body
    changed = body[:-1] + bytes([body[-1] ^ 1])

    assert not is_valid(vector, body=changed.decode("latin-1"), body_encoding="utf-8")


@pytest.mark.parametrize("vector", VERIFIED)
@pytest.mark.parametrize("secret", ["another", "", None, [], ["", None], " \n"])
def test_another_secret_or_none_fails(vector: Vector, secret: Any) -> None:
    assert not is_valid(vector, secret=secret)


def without_its_headers(vector: Vector) -> dict[str, str]:
    how, _ = registry.scheme(vector.scheme)
    words = msgspec.json.encode(how).decode()
    start = how.options.get("start", "-") if isinstance(how, Named) else "-"
    return {
        name: value
        for name, value in vector.headers.items()
        if f":{name.lower()}" not in words and f'"{name.lower()}"' not in words and not name.lower().startswith(start)
        if not name.lower().startswith("x-docusign")
    }


@pytest.mark.parametrize(
    "vector", [one for one in VERIFIED if len(without_its_headers(one.values[0])) < len(one.values[0].headers)]
)
def test_without_its_headers_it_fails(vector: Vector) -> None:
    assert not is_valid(vector, headers=without_its_headers(vector))


def stamped(param: Any) -> bool:
    how, _ = registry.scheme(param.values[0].scheme)
    if isinstance(how, Named):
        return how.verifier in ("canonical_request", "hashed_claims")
    return how is not None and how.timestamp is not None and how.timestamp.tolerance is not None


@pytest.mark.parametrize("vector", [param for param in VERIFIED if stamped(param)])
def test_later_it_fails(vector: Vector) -> None:
    assert not is_valid(vector, now=vector.now + 4_000)


def test_every_scheme_of_the_facts_is_there() -> None:
    lines = (FACTS / "signatures.yaml").read_text().split("\nproviders:")[0].split("\nschemes:\n")[1].splitlines()
    names = {line.strip().rstrip(":") for line in lines if line.startswith("  ") and line[2] != " "}

    assert len(names) == 76
    assert names <= registry.schemes().keys()
