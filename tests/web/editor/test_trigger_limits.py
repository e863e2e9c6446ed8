"""Tests of a trigger's limits in the editor: addresses, rate and size."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from relay.engine.configuration import flow_lifecycle
from relay.models import Flow
from relay.web.editor import trigger_limits
from tests.web.conftest import DOCUMENT, posted, read_form


def form_of(trigger: dict[str, Any], **values: str) -> dict[str, Any]:
    document = {**DOCUMENT, "trigger": {"kind": "webhook", **trigger}}
    read_form(document, posted(form="1", step="trigger", **values))
    made: dict[str, Any] = document["trigger"]
    return {key: made[key] for key in ("allow_ips", "rate", "max_bytes", "files") if key in made}


@pytest.mark.parametrize(
    ("typed", "made"),
    [
        (("", "", ""), {}),
        (
            ("203.0.113.0/24\n2001:db8::/32", "50/s", "2000"),
            {"allow_ips": ["203.0.113.0/24", "2001:db8::/32"], "rate": "50/s", "max_bytes": 2000},
        ),
        (
            ("192.0.2.1, 192.0.2.2;192.0.2.3", " 1/h ", " 0 "),
            {"allow_ips": [f"192.0.2.{n}" for n in (1, 2, 3)], "rate": "1/h"},
        ),
        (("my office", "many", "1 MB"), {"allow_ips": ["my", "office"], "rate": "many", "max_bytes": "1 MB"}),
    ],
)
def test_the_form(typed: tuple[str, str, str], made: dict[str, Any]) -> None:
    before = {"allow_ips": ["198.51.100.1"], "rate": "9/s", "max_bytes": 9}

    assert form_of(before, **dict(zip(("allow_ips", "rate", "max_bytes"), typed, strict=True))) == made


def test_a_form_without_them_leaves_them() -> None:
    before = {"allow_ips": ["198.51.100.1"], "rate": "9/s", "max_bytes": 9}

    assert form_of(before, methods="POST") == before


@pytest.mark.parametrize(
    "limits",
    [
        {"allow_ips": ["203.0.113.0/24"], "rate": "50/s", "max_bytes": 2000},
        {"allow_ips": "203.0.113.0/24", "rate": 50, "max_bytes": {"a": 1}},
        {"allow_ips": [1, {"<b>": []}], "rate": ["50/s"], "max_bytes": "2000"},
    ],
)
def test_the_editor_shows_what_is_set(alice: Client, flow: Flow, limits: dict[str, Any]) -> None:
    flow_lifecycle.save_draft(flow, {**DOCUMENT, "trigger": {"kind": "webhook", **limits}})

    page = alice.get(f"/flows/{flow.pk}/?step=trigger")

    text = page.content.decode()
    assert page.status_code == 200
    assert "<b>" not in text.partition('name="allow_ips"')[2].partition("</textarea>")[0]
    assert "50" in text.partition('id="f-rate"')[2].partition(">")[0]


@pytest.mark.parametrize(
    ("typed", "made"),
    [
        ("Attachments.Content", ["Attachments.Content"]),
        (" a.b, c\n d ", ["a.b", "c", "d"]),
        ("", None),
    ],
)
def test_fields_with_files(typed: str, made: list[str] | None) -> None:
    found = form_of({"files": ["old"]}, allow_ips="", rate="", max_bytes="", files=typed)

    assert found.get("files") == made
    assert trigger_limits.limits_of({"files": ["a.b", "c"]}).files == "a.b, c"
    assert trigger_limits.limits_of({"files": {"a": 1}}).files.split() == ["{", '"a":', "1", "}"]
