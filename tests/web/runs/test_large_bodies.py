"""Tests that pages never parse a large body, but show its beginning and its size."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from relay.bodies import payloads
from relay.engine.configuration import samples
from relay.engine.intake import body_excerpts, sample_events
from relay.engine.preview import preview, render_client
from relay.engine.sandbox.helper_pool import Pool
from relay.models import Event, Flow, Run
from relay.web.ui import payload_tree

LARGE = b"[" + b"[]," * 100_000 + b"1]"
XML = b"<r>" + b"<a>x</a>" * 15_000 + b"</r>"
TOO_LONG = "This body is too long to show as a tree (300,003 bytes). This is its beginning"


@pytest.fixture
def run(flow: Flow) -> Run:
    run = sample_events.send_sample(flow, b'{"id": 9, "total": 1}').runs.get()
    Event.objects.update(body=LARGE)
    return run


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The sizes of what this process parses."""
    sizes: list[int] = []
    real = payloads.parse

    def noted(body: bytes, content_type: str) -> payloads.JSON:
        sizes.append(len(body))
        return real(body, content_type)

    monkeypatch.setattr(payloads, "parse", noted)
    return sizes


PAGES: dict[str, Callable[[Run], str]] = {
    "run": lambda run: f"/runs/{run.ref}/",
    "editor": lambda run: f"/flows/{run.flow_id}/",
    "open step": lambda run: f"/flows/{run.flow_id}/?step=tell",
    "arrivals": lambda run: f"/flows/{run.flow_id}/arrivals/?step=tell",
}


@pytest.mark.parametrize("page", PAGES)
def test_a_large_body_is_shown_by_its_beginning(alice: Client, run: Run, parsed: list[int], page: str) -> None:
    shown = alice.get(PAGES[page](run), follow=True).content.decode()

    assert TOO_LONG in shown
    assert "[[],[],[]," in shown
    assert len(shown) < 100_000
    assert parsed == []


def test_the_poll_reads_nothing_where_nothing_is_new(alice: Client, run: Run, parsed: list[int]) -> None:
    answer = alice.get(f"/flows/{run.flow_id}/arrivals/?after={run.event.ref}")

    assert answer.status_code == 204
    assert parsed == []


def test_xml_is_measured_by_its_tags(alice: Client, run: Run, parsed: list[int]) -> None:
    Event.objects.update(body=XML, content_type="application/xml")

    assert "too long to show as a tree" in alice.get(f"/runs/{run.ref}/").content.decode()
    assert len(XML) < body_excerpts.MAX_BYTES
    assert parsed == []


@pytest.mark.parametrize("size", [0, 1, body_excerpts.MAX_BYTES])
def test_a_body_up_to_the_limit_is_whole(flow: Flow, run: Run, size: int) -> None:
    Event.objects.update(body=b"x" * size, content_type="text/plain")
    runs = body_excerpts.of_runs(Run.objects.filter(pk=run.pk))

    for event in (body_excerpts.newest(flow), body_excerpts.event_of(runs.get())):
        assert event is not None
        assert body_excerpts.size(event) == size
        assert event.body == b"x" * size
        assert payload_tree.event_tree(event).fault == ""


def test_the_beginning_of_a_larger_body_is_never_parsed(flow: Flow, run: Run) -> None:
    event = body_excerpts.newest(flow)

    assert event is not None
    assert body_excerpts.size(event) == len(LARGE)
    assert body_excerpts.beginning(event) == LARGE[: body_excerpts.MAX_BYTES]
    assert bytes(event.body) == LARGE


def test_a_preview_gets_no_large_event(flow: Flow, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    questions: list[dict[str, object]] = []
    real = render_client.PREVIEWS

    class Noted(Pool):
        def ask(self, question: dict[str, object], *, workspace: int) -> dict[str, object]:
            questions.append(question)
            return real.ask(question, workspace=workspace)

    monkeypatch.setattr(
        render_client, "PREVIEWS", Noted(lambda: render_client.helper("preview"), size=1, noun="preview")
    )

    shown = preview.preview(flow, flow.draft, "tell", body_excerpts.newest(flow))

    assert [question["event"] for question in questions] == [None]
    assert shown.error.startswith("This event is too large for a preview (300,003 bytes)")
    assert shown.fields["channel"].text == "orders"


def test_a_large_sample_is_shown_by_its_beginning(alice: Client, flow: Flow, parsed: list[int]) -> None:
    sample = samples.add(flow, "Large", {"body": LARGE.decode()})

    assert TOO_LONG in alice.get(f"/flows/{flow.pk}/samples/{sample.pk}/").content.decode()
    assert parsed == []
