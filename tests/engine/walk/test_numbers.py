"""Numbers of senders and services keep their digits on their way through a flow."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pytest
import time_machine
from django.utils import timezone
from hypothesis import example, given

from relay import masking
from relay.bodies import numerals
from relay.engine.configuration import samples
from relay.engine.dry_run import dry_runs
from relay.engine.dry_run.dry_run_context import DryRunContext
from relay.engine.flow_control.limiter import Limiter
from relay.engine.intake.event_data import EventData
from relay.engine.preview import render_client
from relay.engine.runs import replay
from relay.engine.sandbox.helper_pool import Pool
from relay.engine.sandbox.process import HelperProcess
from relay.engine.settle.settle import settle
from relay.engine.walk import runner
from relay.engine.worker.claim import claim
from relay.models import Run, RunState
from relay.search import documents, words
from relay.web.ui import payload_tree
from tests.bodies.test_numerals import literals
from tests.support.examples import examples
from tests.support.walking import OneStep, Recorder, answer, walk, work_item

LONG = "1234567890123456.78"
LATIN = "application/json; charset=iso-8859-1"
BODY = b'{"p": 19.90, "s": 1234567890123456.78, "lines": [{"n": 2.50}, {"n": 1E5}]}'
SENT = b'{"p":19.90,"s":1234567890123456.78,"lines":[{"n":2.50},{"n":1E5}]}'
PRICE = answer(200, b'{"price": 0.10, "rate": 0.1000000000000000055511}', **{"content-type": "application/json"})


def post(name: str, body: Any, **inputs: Any) -> dict[str, Any]:
    sent = {"url": "https://example.com/{{ event.body.p }}", "body": body, **inputs}
    return {"id": name, "kind": "action", "action": "http.request", "inputs": sent}


def bodies(sender: Recorder) -> list[str]:
    return [(one.body or b"").decode() for one in sender.sent]


@given(literals)
@examples(100)
def test_any_number_arrives_as_it_was_sent(text: str) -> None:
    sender, number = Recorder(), text if not text.lstrip("-").isdigit() else str(int(text))

    walk(work_item(post("a", {"json": {"n": "{{ event.body.n }}"}}), body=b'{"n": %s, "p": 1}' % text.encode()), sender)

    assert bodies(sender) == [f'{{"n":{number}}}']


@given(literals)
@example("0.00001")
@example("1e16")
@example("1e-7")
@example("-0.0")
@examples(100)
def test_any_number_is_written_in_text_as_it_was_sent(text: str) -> None:
    sender, number = Recorder(), text if not text.lstrip("-").isdigit() else str(int(text))
    whole, part = "{{ event.body | tojson }}", "{{ event.body.n }}"
    latin = post(
        "c", {"json": ["{{ event.body }}", f"{part}ü"], "type": LATIN}, headers={"X-N": part}, query={"n": part}
    )
    steps = [post("a", {"text": f"{whole} {part}"}), post("b", {"text": "{% set x = event.body %}{{ x }}"}), latin]

    walk(work_item(*steps, body=b'{"n": %s, "p": 1}' % text.encode()), sender)

    assert bodies(sender)[:2] == [f'{{"n": {number}, "p": 1}} {number}', f'{{"n": {number}, "p": 1}}']
    assert (sender.sent[2].body or b"").decode("latin-1") == f'[{{"n": {number}, "p": 1}}, "{number}\\u00fc"]'
    assert sender.sent[2].headers["X-N"] == number
    assert sender.sent[2].url == f"https://example.com/1?n={quote(number)}"


@pytest.mark.parametrize(
    ("body", "sent"),
    [
        ({"json": "{{ event.body }}"}, SENT.decode()),
        ({"json": {"a": "{{ event.body.s }}", "b": "{{ event.body.p }} EUR"}}, f'{{"a":{LONG},"b":"19.90 EUR"}}'),
        ({"json": "{{ event.body.lines | map(attribute='n') | list }}"}, "[2.50,1E5]"),
        ({"form": {"p": "{{ event.body.p }}", "l": "{{ event.body.lines }}"}}, "p=19.90&l%5B0%5D%5Bn%5D=2.50&l%5B1%5D"),
        ({"text": "{{ event.body | tojson }}"}, BODY.decode()),
        ({"json": {"a": "{{ event.body.p * 2 }}", "b": "{{ event.body.p + 0.5 }}"}}, '{"a":39.8,"b":20.4}'),
        (
            {"json": {"a": "{{ event.body.p }}ü"}, "type": "application/json; charset=iso-8859-1"},
            '{"a": "19.90\\u00fc"}',
        ),
        ({"json": ["{{ event.body.s }}"], "type": "application/json; charset=iso-8859-1"}, f"[{LONG}]"),
    ],
)
def test_bodies_pass_numbers_on(body: Any, sent: str) -> None:
    sender = Recorder()

    walk(work_item(post("a", body), body=BODY), sender)

    assert bodies(sender)[0].startswith(sent)
    assert sender.sent[0].url == "https://example.com/19.90"


def test_headers_and_queries_pass_numbers_on() -> None:
    sender = Recorder()
    step = post("a", {"json": {}}, headers={"X-P": "{{ event.body.p }}"}, query={"s": "{{ event.body.s }}"})

    walk(work_item(step, body=BODY), sender)

    assert (sender.sent[0].headers["X-P"], sender.sent[0].url) == ("19.90", f"https://example.com/19.90?s={LONG}")


KEPT = {"s": "{{ event.body.s }}", "text": "{{ event.body.p }}!", "all": "{{ event.body }}"}
ANSWERED = {"price": "{{ steps.ask.body.price }}", "rate": "{{ steps.ask.body.rate }}"}
LINE = {"n": "{{ item.n }}", "rate": "{{ steps.answered.rate }}"}
LAST = {"all": "{{ steps.keep.all }}", "price": "{{ steps.answered.price }}", "t": "{{ steps.keep.text }}"}
STEPS = (
    {"id": "keep", "kind": "set", "values": KEPT},
    post("ask", {"json": {"s": "{{ steps.keep.s }}"}}),
    {"id": "answered", "kind": "set", "values": ANSWERED},
    {"id": "each", "kind": "loop", "over": "{{ steps.keep.all.lines }}", "steps": [post("line", {"json": LINE})]},
    post("last", {"json": LAST}),
)
EXPECTED = [
    f'{{"s":{LONG}}}',
    '{"n":2.50,"rate":0.1000000000000000055511}',
    '{"n":1E5,"rate":0.1000000000000000055511}',
    f'{{"all":{SENT.decode()},"price":0.10,"t":"19.90!"}}',
]


def flow_of(*steps: dict[str, Any]) -> dict[str, Any]:
    return {"relay": 1, "name": "F", "trigger": {"kind": "webhook"}, "steps": list(steps)}


def go(sender: Recorder, *, step_by_step: bool = False) -> Recorder:
    """Claim, walk and settle until nothing is due, with a new claim before each step where that is wanted."""
    steps = [OneStep()] if step_by_step else []
    while work_items := claim():
        settle([runner.walk(one, sender, Limiter(threads=32), *steps) for one in work_items])
    return sender


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("step_by_step", [False, True])
def test_a_run_that_is_claimed_again_goes_on_with_the_same_digits(live: Any, arrive: Any, step_by_step: bool) -> None:
    arrive(live(flow_of(*STEPS)), BODY)

    sender = go(Recorder(PRICE), step_by_step=step_by_step)

    assert bodies(sender) == EXPECTED


@pytest.mark.django_db(transaction=True)
def test_replays_repeat_them(live: Any, arrive: Any) -> None:
    (run,) = arrive(live(flow_of(*STEPS)), BODY)
    failing = go(Recorder(PRICE, answer(400)))
    run.refresh_from_db()
    assert (run.state, len(failing.sent)) == (RunState.FAILED, 2)

    replay.from_failed_step(run)
    sender = go(Recorder())

    assert bodies(sender) == EXPECTED[1:]


@pytest.mark.django_db(transaction=True)
def test_digests_gather_them(live: Any, arrive: Any) -> None:
    steps = (
        {"id": "d", "kind": "digest", "every": "1h"},
        post("a", {"json": "{{ steps.d.items }}"}, url="https://example.com/"),
    )
    arrive(live(flow_of(*steps)), BODY, BODY)
    go(Recorder())

    with time_machine.travel(timezone.now() + timedelta(hours=2)):
        sender = go(Recorder())

    assert bodies(sender) == [f"[{SENT.decode()},{SENT.decode()}]"]


@pytest.fixture
def helper() -> Iterator[HelperProcess]:
    made = render_client.helper("preview")
    yield made
    made.close()


def test_previews_show_them(helper: HelperProcess) -> None:
    step = {"id": "b", "kind": "set", "values": {"v": "{{ steps.a.x }}", "w": "{{ steps.a }}", "t": "{{ steps.a.x }}!"}}
    outputs = {"a": {"x": numerals.read("19.90")}}

    fields = helper.ask({"step": step, "before": [{"id": "a"}], "outputs": outputs, "flow": "F", "event": None})[
        "fields"
    ]

    assert [fields[name]["text"] for name in "vwt"] == ["19.90", '{"x":19.90}', "19.90!"]


@pytest.fixture
def one_helper(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with_one = Pool(dry_runs.helper, size=1, noun="dry run")
    monkeypatch.setattr(dry_runs, "DRY_RUNS", with_one)
    yield
    with_one.close()


@pytest.mark.django_db
def test_dry_runs_and_samples_show_them(live: Any, one_helper: None) -> None:
    flow = live(flow_of(*STEPS))
    samples.add(flow, "One", numerals.decode(b'{"body": %s}' % BODY))
    event = EventData.from_json(samples.find(flow, "One").event)
    body = numerals.decode(b'{"price": 0.10, "rate": 0.1000000000000000055511}')

    told = dry_runs.run(dict(flow.draft), event, DryRunContext("F", assumed={"ask": {"body": body}}))

    assert event.body == SENT
    assert [step["request"]["body"] for step in told["steps"] if "request" in step] == EXPECTED
    assert numerals.encode(told["steps"][0]["outputs"]["s"]).decode() == LONG


@pytest.mark.django_db
def test_pages_and_the_search_know_them(live: Any, arrive: Any) -> None:
    (run,) = arrive(live(flow_of(*STEPS)), BODY)

    tree = payload_tree.event_tree(run.event).body
    found = documents.of_runs(Run.objects.filter(pk=run.pk))[run.pk]

    assert [node.text for node in tree.children[:2]] == ["19.90", LONG]
    assert set(words.words([LONG, "19.90"])) <= set(found)


def test_masking_keeps_them() -> None:
    value = numerals.decode(b'{"p": 19.90, "t": "verysecret"}')

    assert masking.masked_json(value, ["verysecret"]) == f'{{"p":19.90,"t":"{masking.MASK}"}}'
