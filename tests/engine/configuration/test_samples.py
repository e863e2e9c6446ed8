"""Tests which parts of an event a sample stores."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from relay.engine.configuration import flow_lifecycle, samples
from relay.engine.intake import sample_events
from relay.engine.intake.event_data import EventData
from relay.engine.intake.event_json import event_to_json
from relay.engine.upkeep import retention
from relay.errors import RelayError
from relay.masking import MASK
from relay.models import AuditEntry, Flow, Sample, Workspace

ORDER = {"method": "PUT", "headers": {"X-Kind": "new"}, "query": {"a": "1"}, "body": {"id": 7}}


@pytest.fixture
def flow(workspace: Workspace) -> Flow:
    return make(workspace)


def make(workspace: Workspace, **trigger: Any) -> Flow:
    document = {"relay": 1, "name": "Orders", "trigger": {"kind": "webhook", **trigger}, "steps": []}
    return flow_lifecycle.import_document(workspace, document, publish_it=True)


def verbs() -> list[tuple[str, str]]:
    return [(one.verb, one.thing) for one in AuditEntry.objects.order_by("id") if one.verb.startswith("sample.")]


def test_a_sample_is_added_renamed_removed_and_taken_back(flow: Flow) -> None:
    sample = samples.add(flow, "  Big   order ", ORDER)

    samples.rename(sample, "Order")
    samples.remove(sample)
    gone = list(flow.samples.kept())
    samples.restore(sample)

    assert gone == []
    assert samples.find(flow, "Order").event == {**ORDER, "headers": {"x-kind": "new"}}
    assert verbs() == [
        ("sample.added", "Orders: Big order"),
        ("sample.renamed", "Orders: Order"),
        ("sample.removed", "Orders: Order"),
        ("sample.restored", "Orders: Order"),
    ]


@pytest.mark.parametrize(
    ("name", "event", "said"),
    [
        ("", ORDER, "has a name"),
        ("x" * 101, ORDER, "has a name"),
        ("a\x00b", ORDER, "has a name"),
        ("taken", ORDER, "already: choose another"),
        ("new", [], "An event is"),
        ("new", {"bod": 1}, "An event is"),
        ("new", {"body": "x" * 1_048_577}, "1048576 bytes"),
        ("new", {"headers": {"x": "y" * 70_000}}, "the rest of it 65536"),
    ],
)
def test_what_cannot_be_kept_is_said(flow: Flow, name: str, event: Any, said: str) -> None:
    samples.add(flow, "taken", ORDER)

    with pytest.raises(RelayError, match=said):
        samples.add(flow, name, event)

    assert flow.samples.count() == 1


def test_a_name_can_be_another_flows_and_one_of_a_removed_one(flow: Flow, workspace: Workspace) -> None:
    samples.remove(samples.add(flow, "Order", ORDER))
    samples.add(flow, "Order", ORDER)
    samples.add(make(workspace), "Order", ORDER)

    with pytest.raises(RelayError, match="already"):
        samples.restore(Sample.objects.exclude(removed_at=None).get())


def test_a_flow_has_so_many_samples(flow: Flow, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(samples, "MAX_SAMPLES", 2)
    gone = samples.add(flow, "gone", ORDER)
    samples.remove(gone)
    samples.add(flow, "1", ORDER)
    samples.add(flow, "2", ORDER)

    with pytest.raises(RelayError, match="may have 2 samples"):
        samples.add(flow, "3", ORDER)
    with pytest.raises(RelayError, match="may have 2 samples"):
        samples.restore(gone)


@pytest.mark.parametrize(
    ("trigger", "event", "kept"),
    [
        ({}, {"headers": {"Authorization": "Bearer abc", "Cookie": "a=b"}}, {"authorization": f"Bearer {MASK}"}),
        (
            {"verify": {"scheme": "header", "header": "X-Knock"}},
            {"headers": {"x-knock": "abc", "x-other": "1"}},
            {"x-knock": MASK, "x-other": "1"},
        ),
    ],
)
def test_what_identifies_a_sender_is_not_kept(
    workspace: Workspace, trigger: dict[str, Any], event: Any, kept: dict[str, str]
) -> None:
    flow = make(workspace, **trigger)

    sample = samples.add(flow, "Order", event)

    assert sample.event["headers"].items() >= kept.items()
    assert "abc" not in str(sample.event)


def test_the_event_of_a_run_becomes_one_and_is_the_same_event(flow: Flow) -> None:
    run = sample_events.send_sample(flow, b'{"id": 7, "total": 1.50}').runs.get()

    first, second = samples.from_run(run), samples.from_run(run)

    again = EventData.from_json(first.event)
    assert (first.name, second.name) == (run.ref, f"{run.ref} 2")
    assert (again.body, again.content_type, again.method) == (b'{"id": 7, "total": 1.50}', "application/json", "POST")


def test_an_event_whose_body_is_gone_is_no_sample(flow: Flow) -> None:
    event = sample_events.send_sample(flow)
    event.body, event.headers = b"", {"content-length": "7"}

    with pytest.raises(RelayError, match="is not kept any more"):
        event_to_json(event)


def test_a_body_that_is_no_text_is_kept_byte_for_byte(flow: Flow) -> None:
    event = sample_events.send_sample(flow)
    event.body = bytes(range(256))

    sample = samples.add(flow, "Picture", event_to_json(event))

    assert sample.size == 256
    assert EventData.from_json(sample.event).body == bytes(range(256))
    assert bytes(sample_events.send_sample(flow, event=sample.event).body) == bytes(range(256))


@pytest.mark.parametrize(
    "event",
    [
        {"body_base64": "a"},
        {"body_base64": "%%%%"},
        {"body_base64": 7},
        {"body_base64": ["AAAA"]},
        {"body_base64": "AAAA", "body": "x"},
        {"body_base64": "\u00e4AAA"},
    ],
)
def test_base64_that_is_none_is_refused(flow: Flow, event: dict[str, Any]) -> None:
    with pytest.raises(RelayError, match="body_base64"):
        samples.add(flow, "Picture", event)


def test_what_was_removed_is_forgotten_after_a_day(flow: Flow) -> None:
    old, new, kept = (samples.add(flow, name, ORDER) for name in ("old", "new", "kept"))
    samples.remove(old)
    samples.remove(new)
    Sample.objects.filter(pk=old.pk).update(removed_at=timezone.now() - timedelta(days=2))

    retention.prune()

    assert set(Sample.objects.values_list("name", flat=True)) == {"new", "kept"}
    assert kept.removed_at is None


def test_samples_go_with_their_flow(flow: Flow) -> None:
    samples.add(flow, "Order", ORDER)

    flow_lifecycle.delete(flow)

    assert not Sample.objects.exists()
