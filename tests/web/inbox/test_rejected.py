"""Tests of the pages of rejected requests."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from relay.engine.database import statements
from relay.models import Flow, Rejection, Unkept
from tests.support.browsing import collapsed


@pytest.fixture
def rejection(flow: Flow) -> Rejection:
    return reject(flow)


def reject(flow: Flow, **values: Any) -> Rejection:
    usual = {"why": "signature", "reason": "The signature is wrong", "status": 401, "method": "POST"}
    rest = {"headers": {"x-sign": "<b>"}, "body": b'{"id":7}', "size": 8, "remote": "203.0.113.9"}
    row = {**usual, **rest, **values}
    return Rejection.objects.create(workspace_id=flow.workspace_id, flow=flow, **row)


def test_empty(alice: Client) -> None:
    assert "Nothing was rejected" in alice.get("/inbox/rejected/").content.decode()


def test_each_is_listed_with_its_reason(alice: Client, rejection: Rejection) -> None:
    page = alice.get("/inbox/rejected/").content.decode()

    assert "The signature is wrong" in page
    assert "203.0.113.9" in page
    assert f"/inbox/rejected/{rejection.ref}/" in page


def test_it_is_narrowed_by_kind_and_flow(alice: Client, flow: Flow, rejection: Rejection) -> None:
    reject(flow, why="size", reason="Far too large")

    page = alice.get("/inbox/rejected/", {"why": "size", "flow": flow.pk}).content.decode()

    assert "Far too large" in page
    assert rejection.reason not in page
    assert "Nothing like that" in alice.get("/inbox/rejected/", {"why": "loop"}).content.decode()


def test_one_shows_its_headers_and_body_escaped(alice: Client, rejection: Rejection) -> None:
    page = alice.get(f"/inbox/rejected/{rejection.ref}/").content.decode()

    assert "&quot;id&quot;: 7" in page
    assert "&lt;b&gt;" in page
    assert "Answered <strong>401" in page


@pytest.mark.parametrize("body", [b"\xff\x00\xfe", b"[" * 10_000, b"<script>alert(1)</script>", b"\x1b[31m"])
def test_odd_bodies_are_shown(alice: Client, flow: Flow, body: bytes) -> None:
    one = reject(flow, body=body, size=20_000)

    answer = alice.get(f"/inbox/rejected/{one.ref}/")

    assert answer.status_code == 200
    assert "<script>alert" not in answer.content.decode()
    assert "20,000 bytes arrived" in answer.content.decode()


def test_counted_requests_are_shown(alice: Client, flow: Flow) -> None:
    Unkept.objects.create(flow=flow, workspace=flow.workspace, count=1204, last_at=statements.now())

    assert "1,204 more were rejected and only counted" in collapsed(alice.get("/inbox/rejected/"))


def test_discarding(alice: Client, flow: Flow, rejection: Rejection) -> None:
    Unkept.objects.create(flow=flow, workspace=flow.workspace, count=1, last_at=statements.now())

    answer = alice.post("/inbox/rejected/discard/", {"flow": flow.pk, "sure": "1"}, follow=True)

    assert "1 rejected request was discarded" in answer.content.decode()
    assert not Rejection.objects.exists()
    assert not Unkept.objects.exists()


def test_a_strangers_are_not_there(alice: Client, bob: Client, flow: Flow, rejection: Rejection) -> None:
    assert rejection.reason not in bob.get("/inbox/rejected/").content.decode()
    assert bob.get(f"/inbox/rejected/{rejection.ref}/").status_code == 404
    assert bob.get("/inbox/rejected/", {"flow": flow.pk}).status_code == 404
    assert bob.post("/inbox/rejected/discard/", {"flow": flow.pk}).status_code == 404
    bob.post("/inbox/rejected/discard/", {"sure": "1"})
    assert Rejection.objects.exists()
