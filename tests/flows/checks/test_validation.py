"""Tests valid documents, and every fault of invalid ones with its path."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from relay.errors import DocumentFaults
from relay.flows.checks.validation import missing_connections, parse_document
from relay.flows.document import document_to_json, trigger_settings

FORMAT = Path(__file__).parents[3].parent / "shared" / "flow-format.md"
LIST_ID = "5abbe4b7ddc1b351ef961414"


def flow(*steps: dict[str, Any], **parts: Any) -> dict[str, Any]:
    return {"relay": 1, "name": "Orders", "trigger": {"kind": "webhook"}, "steps": list(steps), **parts}


def post(**parts: Any) -> dict[str, Any]:
    return {
        "id": "post",
        "kind": "action",
        "action": "http.request",
        "inputs": {"url": "https://example.com/"},
        **parts,
    }


def made(**values: Any) -> dict[str, Any]:
    return {"id": values.pop("id", "made"), "kind": "set", "values": values}


def arm(when: Any, *steps: dict[str, Any]) -> dict[str, Any]:
    return {"when": when, "steps": list(steps)}


def branch(*arms: dict[str, Any], **parts: Any) -> dict[str, Any]:
    return {"id": "a", "kind": "branch", "branches": list(arms), **parts}


def loop(*steps: dict[str, Any], **parts: Any) -> dict[str, Any]:
    return {"id": "a", "kind": "loop", "over": [1], "steps": list(steps), **parts}


YES = {"left": 1, "op": "exists"}


def nested(levels: int) -> dict[str, Any]:
    step = made()
    for level in range(levels):
        step = branch(arm(YES, step), id=f"b{level}")
    return step


def faults(document: Any) -> list[str]:
    with pytest.raises(DocumentFaults) as refused:
        parse_document(document)
    return [str(fault) for fault in refused.value.faults]


WHOLE = flow(
    {"id": "big", "kind": "filter", "name": "Big", "when": {"all": [{"left": "{{ event.body.n }}", "op": "exists"}]}},
    {"id": "made", "kind": "set", "note": "why", "values": {"name": "{{ event.body.first }}"}, "disabled": False},
    {
        "id": "tell",
        "kind": "action",
        "action": "slack.post_message",
        "connection": "Team Slack",
        "inputs": {"text": "{{ steps.made.name }} {{ vars.x }} {{ flow.name }} {{ run.id }}"},
        "retry": {"delays": ["10s", "1m"]},
        "timeout": "30s",
        "success": {"left": "{{ answer.status }}", "op": "equals", "right": 200},
        "on_error": "continue",
    },
    post(
        inputs={"url": "https://example.com/{{ steps.tell.status }}", "body": {"json": {"e": "{{ steps.tell.error }}"}}}
    ),
    description="d",
    folder="f",
    title="Order {{ event.body.id }}",
    trigger={
        "kind": "webhook",
        "methods": ["POST", "GET"],
        "verify": {"scheme": "none"},
        "only": {"left": "{{ event.headers['x-topic'] }}", "op": "equals", "right": "orders/create"},
        "response": {"status": 200, "headers": {"x-a": "b"}, "body": "thanks"},
        "max_bytes": 1000,
        "dedupe": {"key": "{{ event.body.id }}", "window": "1h"},
    },
    settings={
        "concurrency": 16,
        "retention": "30d",
        "store_bodies": True,
        "alerts": {"on": "final_failure", "silence": None},
    },
)


def test_a_whole_document_is_read_and_written_again() -> None:
    document = parse_document(WHOLE)

    written = document_to_json(document)

    assert parse_document(written) == document
    assert parse_document(json.dumps(WHOLE)) == document
    assert written["settings"] == {"retention": "30d"}
    assert written["trigger"]["dedupe"] == {"key": "{{ event.body.id }}", "window": "1h"}
    assert "disabled" not in written["steps"][1]
    assert written["trigger"]["response"] == {"status": 200, "headers": {"x-a": "b"}, "body": "thanks"}


def test_the_least_document() -> None:
    document = parse_document("relay: 1\nname: Least\ntrigger: {kind: manual}\nsteps: []\n")

    assert document.trigger.methods == ("POST", "PUT", "PATCH")
    assert document_to_json(document) == {"relay": 1, "name": "Least", "trigger": {"kind": "manual"}, "steps": []}


def test_the_published_example_is_right() -> None:
    if not FORMAT.exists():
        pytest.skip("the description of the format is not beside this checkout")
    example = FORMAT.read_text().split("```json\n")[1].split("```")[0].replace('"5f..."', f'"{LIST_ID}"')

    assert parse_document(example).trigger.preset == "shopify"


@pytest.mark.parametrize(
    ("document", "found"),
    [
        ([], ["expected an object, got a list"]),
        ({"relay": 1}, ["name: is missing", "trigger: is missing", "steps: is missing"]),
        (flow(relay=2), ["relay: 2 is not possible here; it is 1"]),
        (flow(relay=True), ["relay: True is not possible here; it is 1"]),
        (flow(relay=1.0), ["relay: 1.0 is not possible here; it is 1"]),
        (
            flow(name=5, stepz=[]),
            ["stepz: unknown key; did you mean steps?", "name: expected text, got a whole number"],
        ),
        (flow(name=" "), ["name: is empty"]),
        (flow(name="x" * 201), ["name: may have 200 characters"]),
        (flow(title="{{ steps.a.b }}"), ["title: there is no step a before this one"]),
        (flow(trigger={"kind": "mail"}), ["trigger.kind: 'mail' is not possible here; manual, schedule or webhook"]),
        (flow(trigger={}), ["trigger.kind: is missing"]),
    ],
)
def test_faults_of_the_whole(document: Any, found: list[str]) -> None:
    assert faults(document or "[]") == found


@pytest.mark.parametrize(
    ("part", "found"),
    [
        ({"methods": []}, "trigger.methods: is empty"),
        ({"methods": ["HEAD"]}, "trigger.methods[0]: 'HEAD' is not possible here; DELETE, GET, PATCH, POST or PUT"),
        ({"methods": "POST"}, "trigger.methods: expected a list, got text"),
        ({"max_bytes": -1}, "trigger.max_bytes: is between 1 and 10485760"),
        ({"max_bytes": "1"}, "trigger.max_bytes: expected a whole number, got text"),
        ({"body_type": "token"}, "trigger.body_type: 'token' is not possible here; "),
        ({"preset": "x", "body_type": "form"}, "trigger.body_type: X (Twitter) sends json, and never form"),
        ({"kind": "manual", "body_type": "json"}, "trigger.body_type: is for triggers of the kind webhook"),
        ({"preset": "shopifi"}, "trigger.preset: There is no preset “shopifi”; did you mean shopify?"),
        ({"verify": {"scheme": "githob"}}, "trigger.verify: There is no scheme “githob”; it is a preset's key, "),
        ({"verify": {"scheme": "header"}}, "trigger.verify: The name of the header is needed"),
        ({"verify": {"scheme": "header", "header": "a b"}}, "trigger.verify: The name of the header is needed"),
        ({"verify": {"scheme": "stripe", "tolerance": 0}}, "trigger.verify: The tolerance is between 1 and"),
        (
            {"verify": {"scheme": "hmac", "header": "x", "signed": "{method}"}},
            "trigger.verify: What is signed has to hold {body}",
        ),
        (
            {"verify": {"scheme": "hmac", "header": "x", "signed": "{body}{at}"}},
            "trigger.verify: at is no source: header:, query:, form:, json: or body: and a name",
        ),
        (
            {"verify": {"scheme": "hmac", "header": "x", "timestamp": "x-at"}},
            "trigger.verify: A timestamp needs both",
        ),
        ({"verify": {"scheme": "hmac", "algorithm": "md5"}}, "trigger.verify.algorithm: 'md5' is not possible here"),
        ({"verify": {"scheme": "hmac", "secret": "x"}}, "trigger.verify.secret: unknown key"),
        ({"dedupe": {"window": "1h"}}, "trigger.dedupe.key: is missing"),
        ({"dedupe": {"key": "x"}}, "trigger.dedupe.key: is made of the event alone, as "),
        ({"dedupe": {"key": "{{ run.id }}"}}, "trigger.dedupe.key: is made of the event alone, as "),
        ({"dedupe": {"key": "{{ event. }}"}}, "trigger.dedupe.key: line 1: "),
        ({"dedupe": {"key": "{{ event.body.id }}", "window": "31d"}}, "trigger.dedupe.window: '31d' is longer than"),
        ({"dedupe": {"key": "{{ event.body.id }}", "window": "0s"}}, "trigger.dedupe.window: is more than 0s"),
        ({"dedupe": {"key": "{{ event.body.id }}", "for": "1h"}}, "trigger.dedupe.for: unknown key"),
        ({"allow_ips": ["192.0.2.1", "a/8"]}, "trigger.allow_ips[1]: 'a/8' is no address or network: "),
        ({"allow_ips": ["192.0.2.0/33"]}, "trigger.allow_ips[0]: '192.0.2.0/33' is no address or network: "),
        ({"allow_ips": ["::1"] * 201}, "trigger.allow_ips: there may be 200 networks"),
        ({"allow_ips": "::1"}, "trigger.allow_ips: expected a list, got text"),
        ({"rate": "50"}, "trigger.rate: '50' is not a rate: "),
        ({"rate": ""}, "trigger.rate: '' is not a rate: "),
        ({"max_bytes": 10485761}, "trigger.max_bytes: is between 1 and 10485760"),
        ({"only": {"op": "exists"}}, "trigger.only.left: is missing"),
        (
            {"only": {"left": "{{ steps.a.b }}", "op": "exists"}},
            "trigger.only.left: there is no step a before this one",
        ),
        ({"response": {"status": 99}}, "trigger.response.status: is between 200 and 599"),
        ({"response": {"status": 204, "body": "x"}}, "trigger.response.body: an answer of status 204 has no body"),
        ({"response": {"headers": {"x": "a\nb"}}}, "trigger.response.headers: "),
        (
            {"response": {"body": "{{ event.id }}"}},
            "trigger.response.body: is sent without rendering; ",
        ),
        (
            {"response": {"headers": {"x-a": "{{ event.id }}"}}},
            "trigger.response.headers.x-a: is sent without",
        ),
        ({"response": {"headers": {"content-length": "1"}}}, "trigger.response.headers: "),
        ({"response": {"headers": {"x": 1}}}, "trigger.response.headers.x: expected text, got a whole number"),
        ({"colour": 1}, "trigger.colour: unknown key"),
    ],
)
def test_faults_of_the_trigger(part: dict[str, Any], found: str) -> None:
    only, *others = faults(flow(trigger={"kind": "webhook", **part}))

    assert only.startswith(found)
    assert others == []


@pytest.mark.parametrize(
    ("part", "found"),
    [
        (
            {"alerts": {"on": "x"}},
            "settings.alerts.on: 'x' is not possible here; final_failure, first_failure or never",
        ),
        ({"alerts": {"silence": "soon"}}, "settings.alerts.silence: 'soon' is not a time: write a number and ms, s"),
        ({"alerts": {"silence": "59s"}}, "settings.alerts.silence: '59s' is shorter than a minute; write 1m to 30d"),
        ({"alerts": {"silence": "31d"}}, "settings.alerts.silence: '31d' is longer than 30 days"),
        ({"alerts": {"silence": 60}}, "settings.alerts.silence: expected text, got a whole number"),
        ({"alerts": {"when": "now"}}, "settings.alerts.when: unknown key"),
        ({"concurrency": 0}, "settings.concurrency: is between 1 and 1000"),
        ({"order_key": "{{ event.body.id }}"}, "settings.order_key: needs ordered: true"),
        ({"ordered": True, "order_key": "{{ event. }}"}, "settings.order_key: line 1: "),
    ],
)
def test_faults_of_the_settings(part: dict[str, Any], found: str) -> None:
    only, *others = faults(flow(settings=part))

    assert only.startswith(found)
    assert others == []


@pytest.mark.parametrize(
    ("retention", "found"),
    [
        ("59m", "'59m' is shorter than an hour"),
        ("3651d", "'3651d' is longer than 3650 days"),
        ("a month", "'a month' is not a time"),
        (30, "expected text, got a whole number"),
    ],
)
def test_faults_of_retention(retention: Any, found: str) -> None:
    (fault,) = faults(flow(settings={"retention": retention}))

    assert fault.startswith(f"settings.retention: {found}")


@pytest.mark.parametrize("retention", ["1h", "30d", "3650d", "forever"])
def test_how_long_it_may_be_kept(retention: str) -> None:
    assert parse_document(flow(settings={"retention": retention})).settings.retention == retention


@pytest.mark.parametrize(
    ("step", "found"),
    [
        ("x", "steps[0]: expected an object, got text"),
        ({"id": "a"}, "steps[0].kind: is missing; filter, set, "),
        (post(error_steps=[post(id="b")]), "steps[0].error_steps: needs on_error: branch"),
        (
            post(on_error="branch", error_steps=[post(id="b", inputs={"url": "{{ steps.c.x }}"})]),
            "steps[0].error_steps[0].inputs.url: there is no step c before this one",
        ),
        (post(on_error="branch", error_steps=[post()]), "steps[0].error_steps[0].id: post appears twice"),
        (branch(), "steps[0].branches: is empty"),
        (branch(arm({"op": "exists"})), "steps[0].branches[0].when.left: is missing"),
        (
            branch(arm(YES, post(id="b")), arm(YES, made(x="{{ steps.b.status }}"))),
            "steps[0].branches[1].steps[0].values.x: the step b is inside another path, so it has not run here",
        ),
        (branch(arm(YES, post(id="a"))), "steps[0].branches[0].steps[0].id: a appears twice"),
        (
            branch(arm(YES, nested(9))),
            f"steps[0]{'.branches[0].steps[0]' * 8}.branches[0].steps: steps are nested more",
        ),
        (branch(arm(YES), match="any"), "steps[0].match: 'any' is not possible here; all or first"),
        (loop(over="x"), "steps[0].over: is a list, or a template that gives one"),
        (loop(over="all {{ event.body.lines }}"), "steps[0].over: is a list, or a template that gives one"),
        (loop(over="{% set x = [1] %}{{ x }}"), "steps[0].over: is a list, or a template that gives one"),
        (loop(over="{{ item.x }}"), "steps[0].over: item is not a name here"),
        (loop(**{"as": "event"}), "steps[0].as: 'event' can't be the name of an element"),
        (loop(limit=0), "steps[0].limit: is between 1 and 10000"),
        (
            loop(made(x="{{ line.x }}")),
            "steps[0].steps[0].values.x: line is not a name here; there are constants, event, flow, item",
        ),
        (loop(loop(loop(loop(id="d"), id="c"), id="b")), "steps[0].steps[0].steps[0].steps[0]: loops are nested more"),
        (loop(made(id="x" * 45)), "steps[0]: the id of a step in a loop may have 44"),
        (loop(error_steps=[made()]), "steps[0].error_steps: needs on_error: branch"),
        ({"id": "a", "kind": "delay"}, "steps[0]: a delay has either for, as 10m, or until"),
        ({"id": "a", "kind": "delay", "for": "1m", "until": "9:00"}, "steps[0]: a delay has either for"),
        ({"id": "a", "kind": "delay", "for": "soon"}, "steps[0].for: 'soon' is not a time"),
        ({"id": "a", "kind": "delay", "for": "367d"}, "steps[0].for: '367d' is longer than 366 days"),
        ({"id": "a", "kind": "delay", "until": "soon"}, "steps[0].until: 'soon' is not a date"),
        ({"id": "a", "kind": "digest"}, "steps[0]: a digest needs every, as 1h, or at, as 08:00, or a limit"),
        ({"id": "a", "kind": "digest", "every": "1h", "at": "8:00"}, "steps[0]: a digest has either every"),
        ({"id": "a", "kind": "digest", "every": "soon"}, "steps[0].every: 'soon' is not a time"),
        ({"id": "a", "kind": "digest", "at": ["8:00", "25:00"]}, "steps[0].at: '25:00' is not a time of day"),
        ({"id": "a", "kind": "digest", "limit": 1001}, "steps[0].limit: is between 1 and 1000"),
        (loop({"id": "d", "kind": "digest", "limit": 2}), "steps[0].steps[0]: a digest gathers whole runs"),
        ({"id": "a", "kind": "changed", "value": 1, "deadband": -1}, "steps[0].deadband: is 0 or more"),
        ({"id": "a", "kind": "changed", "value": 1, "deadband": "1"}, "steps[0].deadband: expected a number, got text"),
        ({"id": "a", "kind": "once", "key": "same"}, "steps[0].key: is a template"),
        ({"id": "a", "kind": "once", "key": "{{ event.id }}", "window": "0s"}, "steps[0].window: is more than 0s"),
        (made(x={"table": [], "key": 1}), "steps[0].values.x.table: is an object"),
        (
            made(x={"table": {}, "key": 1, "defalt": 2}),
            "steps[0].values.x.defalt: unknown key; did you mean default?",
        ),
        ({"id": "a", "kind": "respond", "status": 99}, "steps[0].status: is between 200 and 599"),
        ({"id": "a", "kind": "respond", "status": True}, "steps[0].status: expected a whole number or text, got true"),
        (
            {"id": "a", "kind": "respond", "status": 204, "body": "x"},
            "steps[0].body: an answer of status 204 has no body",
        ),
        (
            {"id": "a", "kind": "respond", "status": 303, "headers": {"location": "/thanks"}},
            "steps[0].headers.location: A caller can be sent on to an address that begins with https:// or http://",
        ),
        ({"id": "a", "kind": "respond", "status": "ok"}, "steps[0].status: is a number, or a template"),
        ({"id": "a", "kind": "respond", "headers": {"x": "a\nb"}}, "steps[0].headers: The value of the header "),
        ({"id": "a", "kind": "respond", "body": {"n": "{{ nope.n }}"}}, "steps[0].body.n: nope is not a name here"),
        ({"id": "a", "kind": "bench"}, "steps[0].kind: 'bench' is not a kind of step; filter, set, "),
        ({"kind": "set", "values": {}}, "steps[0].id: is missing"),
        ({"id": "a b", "kind": "set", "values": {}}, "steps[0].id: is a name of letters, digits and _, up to 64, "),
        ({"id": "if", "kind": "set", "values": {}}, "steps[0].id: if is a word that templates know"),
        ({"id": "a" * 65, "kind": "set", "values": {}}, "steps[0].id: is a name of letters"),
        ({"id": "a", "kind": "set", "values": {}, "colour": 1}, "steps[0].colour: unknown key"),
        ({"id": "a", "kind": "set", "values": {}, "nmae": "x"}, "steps[0].nmae: unknown key; did you mean name?"),
        ({"id": "a", "kind": "set", "values": []}, "steps[0].values: expected an object, got a list"),
        (
            {"id": "a", "kind": "set", "values": {"a-b": 1}},
            "steps[0].values.a-b: is not a name of letters, digits and _",
        ),
        ({"id": "a", "kind": "set", "values": {"x": "{{ event.body. }}"}}, "steps[0].values.x: line 1: "),
        (
            {"id": "a", "kind": "set", "values": {"x": "{{ evnt.body }}"}},
            "steps[0].values.x: evnt is not a name here; ",
        ),
        ({"id": "a", "kind": "set", "values": {"x": "{{ item.a }}"}}, "steps[0].values.x: item is not a name here; "),
        (
            {"id": "a", "kind": "set", "values": {"x": "{{ steps.a.y }}"}},
            "steps[0].values.x: there is no step a before",
        ),
        ({"id": "a", "kind": "filter"}, "steps[0].when: is missing"),
        (
            {"id": "a", "kind": "filter", "when": {"left": "1", "op": "equal"}},
            "steps[0].when.op: this comparison does not exist: did you",
        ),
        (
            {"id": "a", "kind": "filter", "when": {"all": [{"left": "{{ 1", "op": "exists"}]}},
            "steps[0].when.all[0].left: ",
        ),
        (
            post(inputs={"url": "https://example.com/", "text": "{{ event.body.a } }}"}),
            "steps[0].inputs.text: line 1: ",
        ),
        (post(action="http.reqest"), "steps[0].action: There is no action “http.reqest”; did you mean http.request?"),
        (
            post(action="inbox.post", inputs={"text": "x"}, connection="x"),
            "steps[0].connection: Built-in inbox takes no connection",
        ),
        (post(inputs={}), "steps[0].inputs.url: URL is needed"),
        (
            post(inputs={"url": "ftp://example.com"}),
            "steps[0].inputs.url: The URL must start with http:// or https://.",
        ),
        (post(inputs={"url": {"a": 1}}), "steps[0].inputs.url: URL must be text, not an object"),
        (
            post(inputs={"url": "https://a.example", "method": "TRACE"}),
            "steps[0].inputs.method: Method is one of POST, ",
        ),
        (post(retry={"delays": ["soon"]}), "steps[0].retry.delays[0]: 'soon' is not a time"),
        (post(retry={"delays": ["1s"] * 21}), "steps[0].retry.delays: there may be 20 delays"),
        (post(timeout="61s"), "steps[0].timeout: is at most 60s"),
        (post(timeout=5), "steps[0].timeout: expected text, got a whole number"),
        (post(on_error="retry"), "steps[0].on_error: 'retry' is not possible here; branch, continue or stop"),
        (
            post(success={"left": "{{ reply.status }}", "op": "exists"}),
            "steps[0].success.left: reply is not a name here; ",
        ),
        (
            post(success={"left": "{{ answer.status }}", "op": "less_than", "right": "three"}),
            "steps[0].success.right: is a number, as 100",
        ),
        (post(disabled="yes"), "steps[0].disabled: expected true or false, got text"),
    ],
    ids=lambda value: str(value)[-60:],
)
def test_faults_of_a_step(step: Any, found: str) -> None:
    first = faults(flow(step))[0]

    assert first.startswith(found)


@pytest.mark.parametrize(
    ("inputs", "found"),
    [
        (
            {"list_id": "5f", "name": "x"},
            ["steps[0].inputs.list_id: List doesn't look right; it looks like " + LIST_ID],
        ),
        ({"list_id": "{{ event.body.list }}", "name": ""}, ["steps[0].inputs.name: Name is needed"]),
        (
            {"list_id": LIST_ID, "name": "x" * 16_385},
            ["steps[0].inputs.name: Name has 16385 characters, 16384 are allowed"],
        ),
        (
            {"list_id": LIST_ID, "name": "x", "label_ids": {}},
            ["steps[0].inputs.label_ids: Labels must be a list, not an object"],
        ),
    ],
    ids=lambda value: str(value)[:40],
)
def test_constant_inputs_are_checked(inputs: dict[str, Any], found: list[str]) -> None:
    step = {"id": "a", "kind": "action", "action": "trello.create_card", "connection": "T", "inputs": inputs}

    assert faults(flow(step)) == found


@pytest.mark.parametrize(
    ("headers", "found"),
    [
        ({"X-Shop": "1", "X-Id": 7, "X-All": {"a": 1}, "X-None": None, "X-T": "{{ event.body.é }}"}, []),
        ('{"X-Shop": "1"}', []),
        ("{{ event.body.headers }}", []),
        ({"X-A": "a\r\nHost: b"}, ["steps[0].inputs.headers.X-A: The value of the header"]),
        ('{"X-A": "a\\nb"}', ["steps[0].inputs.headers.X-A: The value of the header"]),
        ({"X-A": "a\u2028b"}, ["steps[0].inputs.headers.X-A: The value of the header"]),
        ({"X-A": "a\x85"}, ["steps[0].inputs.headers.X-A: The value of the header"]),
        ({"X-A\nHost": "b"}, ["steps[0].inputs.headers.X-A\\nHost: "]),
        ({"X-{{ event.body.a }}": "b"}, ["steps[0].inputs.headers.X-{{ event.body.a }}: "]),
        (
            {"host": "a", "Content-Length": "{{ event.body.n }}", "Transfer-Encoding": "chunked", "Connection": "x"},
            [
                f"steps[0].inputs.headers.{name}: The header"
                for name in ("host", "Content-Length", "Transfer-Encoding", "Connection")
            ],
        ),
        ({f"X-{n}": "" for n in range(101)}, ["steps[0].inputs.headers: A request may carry at most 100"]),
        ({"X-A": "a" * 20_000, "X-B": "b" * 20_000}, ["steps[0].inputs.headers: The headers are longer"]),
        ({"X-A": "a" * 40_000}, ["steps[0].inputs.headers.X-A: The headers are longer"]),
        (["X-A"], ["steps[0].inputs.headers: is an object of names and values"]),
        ("[1]", ["steps[0].inputs.headers: is an object of names and values"]),
        ("X-A: b", ["steps[0].inputs.headers: is an object of names and values"]),
    ],
)
def test_headers_that_are_written_out_are_checked(headers: Any, found: list[str]) -> None:
    document = flow(post(inputs={"url": "https://example.com/", "headers": headers}))
    if not found:
        assert parse_document(document).steps
        return

    said = faults(document)

    assert len(said) == len(found)
    assert all(one.startswith(start) for one, start in zip(said, found, strict=True))


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ({"json": {"id": "{{ event.body.id }}"}}, ""),
        ({"json": False}, ""),
        ({"form": {"a": [1, None], "b": {"c": 1}}}, ""),
        ({"form": "{{ event.body }}"}, ""),
        ({"text": {"a": 1}, "type": "{{ event.body.type }}"}, ""),
        ({"json": 1, "type": "application/vnd.api+json"}, ""),
        ('{"json": {"a": 1}}', ""),
        ('{"json": {{ event.body | tojson }}}', ""),
        ({}, ""),
        ({"id": 1, "total": 2}, 'body: is {"json": ...}, {"form": {...}}, {"text": "...", "type": "..."}'),
        ({"jsn": {}}, 'body: is {"json": ...}'),
        ({"json": 1, "form": {}}, 'body: is {"json": ...}'),
        ({"{{ event.body.kind }}": 1}, 'body: is {"json": ...}'),
        ({"type": "text/csv"}, 'body: is {"json": ...}'),
        ([1], 'body: is {"json": ...}'),
        ("hello", 'body: is {"json": ...}'),
        (5, 'body: is {"json": ...}'),
        ({"form": [1]}, "body.form: is an object of names and values"),
        ({"form": "a=1"}, "body.form: is an object of names and values"),
        ({"text": "x", "type": 5}, "body.type: is text, as text/csv"),
        ({"text": "x", "type": "a\nb"}, "body.type: The value of the header"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_body_that_is_written_out_is_checked(body: Any, found: str) -> None:
    document = flow(post(inputs={"url": "https://example.com/", "body": body}))
    if not found:
        assert parse_document(document).steps
        return

    (fault,) = faults(document)

    assert fault.startswith(f"steps[0].inputs.{found}")


@pytest.mark.parametrize(
    ("inputs", "found"),
    [
        ({"query": [1]}, 'inputs.query: is an object of names and values, as {"page": 1}'),
        ({"query": "a=1"}, 'inputs.query: is an object of names and values, as {"page": 1}'),
        ({"sign": "standard-webhooks"}, "connection: signing needs a connection that holds the signing secret"),
    ],
)
def test_parts_of_a_request_are_checked(inputs: dict[str, Any], found: str) -> None:
    assert faults(flow(post(inputs={"url": "https://example.com/", **inputs}))) == [f"steps[0].{found}"]


def test_a_connector_that_needs_a_connection_says_so() -> None:
    step = {"id": "a", "kind": "action", "action": "slack.post_message", "inputs": {"text": "x"}}

    assert faults(flow(step)) == ["steps[0].connection: Slack needs a connection"]


def test_every_fault_is_said_at_once() -> None:
    first = {"id": "a", "kind": "bench"}
    second = {"id": "a", "kind": "set", "values": {"x": "{{ steps.a.y }} {{"}}
    third = post(inputs={"url": "https://example.com/{{ steps.b.y }}", "colour": 1})

    found = faults(flow(first, second, third, name=3))

    assert [fault.partition(": ")[0] for fault in found] == [
        "name",
        "steps[0].kind",
        "steps[1].id",
        "steps[1].values.x",
        "steps[2].inputs.url",
        "steps[2].inputs.colour",
    ]


def test_steps_see_only_earlier_steps_that_are_on() -> None:
    off = {"id": "off", "kind": "set", "values": {"x": 1}, "disabled": True}
    reader = {"id": "reader", "kind": "set", "values": {"y": "{{ steps.off.x }}"}}

    assert faults(flow(off, reader)) == ["steps[1].values.y: there is no step off before this one"]


def test_ids_are_unique() -> None:
    step = {"id": "a", "kind": "set", "values": {}}

    assert faults(flow(step, step)) == ["steps[1].id: a appears twice"]


def test_a_flow_has_at_most_100_steps() -> None:
    steps = [{"id": f"s{number}", "kind": "set", "values": {}} for number in range(101)]

    assert faults(flow(*steps)) == ["steps: a flow may have 100 steps"]
    assert len(parse_document(flow(*steps[:100])).steps) == 100


@pytest.mark.parametrize(
    ("have", "found"),
    [
        ({"Team Slack": "slack"}, []),
        ({}, ["steps[2].connection: the connection “Team Slack” does not exist"]),
        ({"Team Slack": "trello"}, ["steps[2].connection: the connection “Team Slack” is for trello, not slack"]),
    ],
)
def test_connections_are_matched_by_name_and_service(have: dict[str, str], found: list[str]) -> None:
    assert [str(fault) for fault in missing_connections(parse_document(WHOLE), have)] == found


@pytest.mark.parametrize("trigger", [None, 3, {}, {"kind": "x"}, {"kind": "webhook", "methods": "POST"}])
def test_a_half_built_trigger_has_the_defaults(trigger: Any) -> None:
    settings = trigger_settings({"trigger": trigger})

    assert (settings.methods, settings.response.status) == (("POST", "PUT", "PATCH"), 202)


def test_what_is_known_after_branches_and_loops() -> None:
    """An arm's steps have perhaps run, and a loop's steps have run for each element."""
    document = flow(
        branch(arm(YES, post(id="b")), **{"else": [made(id="c", x="{{ event.body.n }}")]}),
        loop(
            post(id="d", inputs={"url": "https://example.com/{{ item }}{{ loop.index }}{{ steps.b.status }}"}), id="e"
        ),
        made(x="{{ steps.d[0].status }}{{ steps.d | length }}{{ steps.e.outputs }}{{ steps.c.x | default(1) }}"),
    )

    assert [step.id for step in parse_document(document).steps] == ["a", "e", "made"]
    assert faults(flow(loop(post(id="d")), made(x="{{ steps.d.status }}"))) == [
        "steps[1].values.x: d is inside a loop: after the loop, steps.d is a list with an item for each element"
    ]


def test_runs_that_wait_for_one_another_are_not_gathered() -> None:
    document = flow({"id": "a", "kind": "digest", "limit": 2}, settings={"ordered": True, "timezone": "Mars/Base"})

    assert [fault.partition(":")[0] for fault in faults(document)] == ["settings.timezone", "settings.ordered"]


def test_missing_connections_are_found_in_steps_of_steps() -> None:
    tell = {"id": "t", "kind": "action", "action": "slack.post_message", "connection": "S", "inputs": {"text": "x"}}
    document = parse_document(flow(branch(arm(YES, loop(tell, id="l")))))

    assert [str(fault) for fault in missing_connections(document, {})] == [
        "steps[0].branches[0].steps[0].steps[0].connection: the connection “S” does not exist"
    ]


def test_the_id_of_a_step_that_makes_several_calls_leaves_room_for_theirs() -> None:
    inputs = {"email": "a@b.example", "name": "Ada"}
    step = {"kind": "action", "action": "pipedrive.save_person", "connection": "P", "inputs": inputs}

    def fault(step_id: str, *, is_inside: bool = False) -> str:
        one = {**step, "id": step_id}
        steps = [{"id": "each", "kind": "loop", "over": [1], "steps": [one]}] if is_inside else [one]
        try:
            parse_document({"relay": 1, "name": "F", "trigger": {"kind": "webhook"}, "steps": steps})
        except DocumentFaults as error:
            return error.faults[0].message
        return ""

    assert (fault("a" * 51), fault("a" * 31, is_inside=True)) == ("", "")
    assert fault("a" * 52) == "may have 51 characters, as the action makes several calls"
    assert fault("a" * 32, is_inside=True) == "may have 31 characters, as the action makes several calls"
