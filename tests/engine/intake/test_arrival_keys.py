"""Tests that keys of arrivals are the same, whether they are rendered at once or in a helper process."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from relay.engine.intake import arrival_keys, key_process
from relay.engine.intake.arrival_keys import ArrivalKeys
from relay.engine.intake.event_data import EventData
from relay.engine.intake.key_helper import KeyHelper
from relay.engine.intake.trigger_rules import TriggerRules
from relay.errors import TemplateLimit
from tests.support.running import is_running, wait_until

BODY = b'{"id": "k1", "items": [1, 2, 3]}'
ID, ITEMS = "{{ event.body.id }}", "{{ event.body['items'] }}"
HEAVY = "{% for i in range(3000) %}{% endfor %}"
ENDLESS = "{% for i in range(90000) %}{% for j in range(90000) %}{% endfor %}{% endfor %}"


@pytest.fixture(scope="module")
def helper() -> Iterator[KeyHelper]:
    made = KeyHelper()
    yield made
    made.close()


def event(body: bytes = BODY, content_type: str = "application/json", **more: Any) -> EventData:
    return EventData(1, "POST", more.get("query", ""), more.get("headers", "{}"), content_type, body, 1)


@pytest.mark.exhaustive
@pytest.mark.parametrize("dedupe", ["", ID, HEAVY + ID, ENDLESS, "{{ 1 +", "{{ event.body.gone }}", "{{ event.body }}"])
@pytest.mark.parametrize("order", ["", ID, "{{ event.raw }}", ENDLESS])
@pytest.mark.parametrize("split", ["", ITEMS, ID])
@pytest.mark.parametrize("body", [BODY, b"{not json", b'{"id": "\xff\\ud800"}'])
def test_the_process_derives_the_same(helper: KeyHelper, dedupe: str, order: str, split: str, body: bytes) -> None:
    rules = TriggerRules(dedupe=dedupe, window=1, ordered=True, order=order, split=split)

    found = helper.keys(rules, event(body))

    assert (
        found
        == arrival_keys.derive(rules, event(body))
        == key_process.keys(key_process.answer(key_process.question(rules, event(body))))
    )
    if not any("range" in source for source in rules.sources):
        assert found == arrival_keys.derive_quickly(rules, event(body))


@pytest.mark.parametrize(
    ("rules", "found"),
    [
        (TriggerRules(), ArrivalKeys()),
        (TriggerRules(ordered=True), ArrivalKeys(order="-")),
        (TriggerRules(split=ITEMS), ArrivalKeys(parts=3)),
        (TriggerRules(split=ID), ArrivalKeys()),
        (TriggerRules(dedupe=ENDLESS, ordered=True, order=ENDLESS, split=ENDLESS), ArrivalKeys(order="-")),
    ],
)
def test_what_can_not_be_rendered_loses_nothing(rules: TriggerRules, found: ArrivalKeys) -> None:
    assert arrival_keys.derive(rules, event()) == found


@pytest.mark.parametrize(
    ("source", "arrived", "quick"),
    [
        (ID, event(), True),
        (ID + "{# " + "x" * 400 + " #}", event(), False),
        (ID, event(b'{"id": "' + b"x" * 50_000 + b'"}'), True),
        (ID, event(b'{"id": "' + b"x" * 100_000 + b'"}'), False),
        (ID, event(b"[" + b"[]," * 3_000 + b"[]]"), False),
        (ID, event(b"<a>" + b"<b/>" * 300 + b"</a>", "text/xml"), False),
        (ID, event(b"id=1", "application/x-www-form-urlencoded"), True),
        (ID, event(query="a" * 20_000), False),
        ("{{ event.headers['x-id'] }}", event(b"x" * 500_000, headers='{"x-id":"1"}'), True),
        ("{{ event['headers'].a }}{{ event.query.b }}", event(b"x" * 500_000), True),
        ("{{ event }}", event(b"x" * 500_000), False),
        ("{% set e = event %}{{ e.body }}", event(b"x" * 500_000), False),
    ],
)
def test_what_is_quick(source: str, arrived: EventData, quick: bool) -> None:
    assert arrival_keys.is_quick(TriggerRules(order=source), arrived) is quick


def test_what_needs_more_than_a_moment_is_not_derived_at_once() -> None:
    with pytest.raises(TemplateLimit):
        arrival_keys.derive_quickly(TriggerRules(dedupe=ENDLESS), event())


def test_the_process_ends_what_takes_more_than_an_arrival_may_have(monkeypatch: pytest.MonkeyPatch) -> None:
    # A body larger than ingest accepts, with a limit to match.
    monkeypatch.setattr(
        key_process, "first_message", lambda _: {"max_bytes": -int(key_process.BYTES_PER_CPU_SECOND * 0.99)}
    )
    made = KeyHelper()
    body = b"<r>" + b"<a>x</a>" * 99_000 + b"</r>"

    with pytest.raises(TemplateLimit):
        made.keys(TriggerRules(dedupe=ID), event(body, "text/xml"))

    made.close()


def test_a_process_that_was_ended_is_replaced(helper: KeyHelper) -> None:
    rules = TriggerRules(dedupe=ID)
    before = helper.keys(rules, event())
    ended = helper.pid
    assert ended is not None
    os.kill(ended, signal.SIGKILL)
    wait_until(lambda: not is_running(ended))

    assert helper.keys(rules, event()) == before
    assert helper.pid != ended


def test_the_process_knows_no_secret(helper: KeyHelper, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RELAY_SECRET_CANARY", "canary")
    made = KeyHelper()
    made.keys(TriggerRules(dedupe=ID), event())

    found = Path(f"/proc/{made.pid}/environ").read_bytes()
    made.close()

    assert b"canary" not in found


def test_repeated_parameters_stay_a_list() -> None:
    assert (
        arrival_keys.derive(TriggerRules(split="{{ event.query.a }}"), event(query="&".join(["a=1"] * 900))).parts
        == 900
    )
