"""Whole documents and events of all kinds give the results that were worked out by hand."""

from __future__ import annotations

from typing import Any

import pytest

from relay.engine.dry_run.dry_run_context import DryRunContext
from relay.engine.dry_run.dry_walk import dry_run
from relay.engine.intake.event_data import EventData
from relay.flows.checks.validation import parse_document

YES = {"left": 1, "op": "exists"}
NO = {"left": 1, "op": "equals", "right": 2}
URL = "https://a.example/x"
PARTS = (
    '--X\r\nContent-Disposition: form-data; name="a"\r\n\r\nhello\r\n'
    '--X\r\nContent-Disposition: form-data; name="f"; filename="t.txt"\r\n'
    "Content-Type: text/plain\r\n\r\nabc\r\n--X--\r\n"
)


def told(*steps: dict[str, Any], event: Any, **parts: Any) -> dict[str, Any]:
    document = {"relay": 1, "name": "F", "trigger": {"kind": "webhook"}, "steps": list(steps), **parts}
    return dry_run(parse_document(document), EventData.from_json(event), DryRunContext("F"))


def made(id_: str = "made", **values: Any) -> dict[str, Any]:
    return {"id": id_, "kind": "set", "values": values}


def keep(left: Any, op: str, *right: Any) -> dict[str, Any]:
    return {"id": "keep", "kind": "filter", "when": {"left": left, "op": op, **({"right": right[0]} if right else {})}}


def branch(*arms: tuple[str, Any, list[Any]], id_: str = "choose", **more: Any) -> dict[str, Any]:
    named = [{"name": name, "when": when, "steps": steps} for name, when, steps in arms]
    return {"id": id_, "kind": "branch", "branches": named, **more}


def loop(over: Any, *steps: dict[str, Any], id_: str = "each", **more: Any) -> dict[str, Any]:
    return {"id": id_, "kind": "loop", "over": over, "steps": list(steps), **more}


def post(id_: str = "tell", url: str = URL, *, inputs: Any = None, **more: Any) -> dict[str, Any]:
    return {"id": id_, "kind": "action", "action": "http.request", "inputs": {"url": url, **(inputs or {})}, **more}


def sent(kind: str, body: Any) -> dict[str, Any]:
    return {"headers": {"Content-Type": kind}, "body": body}


@pytest.mark.parametrize(
    ("event", "template", "value"),
    [
        (sent("application/x-www-form-urlencoded", "n=3&a=x+y&a=%C3%A9&e="), "{{ event.body }}", None),
        (sent("text/plain", "a\nb\n"), "{{ event.body | lines | length }}{{ event.raw }}", "2a\nb\n"),
        (sent("application/xml", '<o id="7"><i q="1">A</i><i>B</i></o>'), "{{ event.body.o.i[0]['#text'] }}", "A"),
        (sent("multipart/form-data; boundary=X", PARTS), "{{ event.body.f.text }}{{ event.body.a }}", "abchello"),
        ({"body": '{"a": 1}'}, "{{ event.body.a }}", 1),
        ({"body": "hello"}, "{{ event.body }}", "hello"),
        ({"body": [{"a": 1}, {"a": 2}]}, "{{ event.body[1].a }}", 2),
        ({"body": False}, "{{ event.body }}", False),
        ({}, "{{ [event.body, event.raw, event.method, event.query, event.headers] }}", [None, "", "POST", {}, {}]),
        ({"query": {"a": "1", "b": ["x", "y"]}}, "{{ event.query }}", {"a": "1", "b": ["x", "y"]}),
        ({"method": "GET", "query": "a=1&b=%20x&b=2"}, "{{ event.query.b }}", [" x", "2"]),
        (
            {"body": {"items": [1], "get": "g", "keys": 2}},
            "{{ [event.body.items, event.body.get, event.body.keys] }}",
            0,
        ),
        ({"body": {"имя": "Анна", "naïve ключ": "✓"}}, "{{ event.body.имя }}{{ event.body['naïve ключ'] }}", "Анна✓"),
        (sent("application/json", '{"i": 12345678901234567890123}'), "{{ event.body.i }}", 12345678901234567890123),
        ({"body": {"n": 1.50, "b": True}}, "{{ event.body.n }} {{ event.body.b }}", "1.5 true"),
        ({"body": {"x": None}}, "{{ event.body.x.y | default('none') }}", "none"),
        (
            {"body": {"lines": [{"s": "A"}]}},
            "{% for l in event.body.lines %}{{ loop.index }}{{ l.s }}{% endfor %}",
            "1A",
        ),
    ],
    ids=lambda value: str(value)[:40],
)
def test_events_of_all_kinds(event: Any, template: str, value: Any) -> None:
    expected = {"{{ event.body }}": {"n": "3", "a": ["x y", "é"], "e": ""}}.get(template) if value is None else value
    expected = [[1], "g", 2] if expected == 0 and expected is not False else expected

    found = told(made(x=template), event=event)

    assert found["steps"][0].get("outputs") == {"x": expected}
    assert type(found["steps"][0]["outputs"]["x"]) is type(expected)


@pytest.mark.parametrize(
    ("steps", "body", "ids", "last"),
    [
        ([branch(("p", YES, [made("x", v=1)]), ("q", YES, [made("y", v=1)]))], {}, "choose x", {"v": 1}),
        (
            [branch(("p", YES, [made("x", v=1)]), ("q", NO, []), ("r", YES, [made("z", v=2)]), match="all")],
            {},
            "choose x z",
            {"v": 2},
        ),
        ([branch(("p", NO, [made("x", v=1)])), made("z", arm="{{ steps.choose.arm }}")], {}, "choose z", {"arm": None}),
        (
            [
                branch(
                    ("p", NO, []),
                    **{
                        "else": [
                            branch(("in", YES, [made("x", v="{{ steps.choose.arm }}/{{ steps.b2.arm }}")]), id_="b2")
                        ]
                    },
                )
            ],
            {},
            "choose b2 x",
            {"v": "else/in"},
        ),
        (
            [loop("{{ event.body }}", made("x", v="{{ item }}"), limit=2), made("z", l="{{ steps.each.left_out }}")],
            [1, 2, 3],
            "each x[0] x[1] z",
            {"l": 1},
        ),
        (
            [
                loop([1, 2, 3], keep("{{ item }}", "not_equals", 2), made("x", v="{{ item }}")),
                made("z", x="{{ steps.x }}"),
            ],
            {},
            "each keep[0] x[0] keep[1] keep[2] x[2] z",
            {"x": [{"v": 1}, None, {"v": 3}]},
        ),
        (
            [
                loop(
                    "{{ event.body }}",
                    loop("{{ item.l }}", made("x", v="{{ item }}{{ line }}"), id_="inner", **{"as": "line"}),
                )
            ],
            [{"l": [1]}, {"l": []}, {"l": [2, 3]}],
            "each inner[0] x[0][0] inner[1] inner[2] x[2][0] x[2][1]",
            {"v": '{"l": [2, 3]}3'},
        ),
        (
            [
                loop(
                    [1],
                    loop([8, 9], made("y", v="{{ item }}"), id_="inner"),
                    made("x", v="{{ item }}/{{ loop.length }}"),
                )
            ],
            {},
            "each inner[0] y[0][0] y[0][1] x[0]",
            {"v": "1/1"},
        ),
        (
            [
                loop(
                    [1, 2],
                    branch(("odd", {"left": "{{ item % 2 }}", "op": "is_true"}, [made("o", v="{{ item }}")])),
                    made("x", v="{{ steps.choose.arm }} {{ steps.o.v | default('-') }}"),
                )
            ],
            {},
            "each choose[0] o[0] x[0] choose[1] x[1]",
            {"v": " -"},
        ),
        (
            [
                loop(
                    "{{ event.body }}",
                    made("x", v="{{ item.n }}"),
                    on_error="branch",
                    error_steps=[made("e", v="{{ loop.index }} {{ steps.each.error }}")],
                ),
                made("z", bad="{{ steps.each.outputs[1].error }}", all="{{ steps.each.count }}"),
            ],
            [{"n": 1}, {"m": 2}, {"n": 3}],
            "each x[0] x[1] e[1] x[2] z",
            {"bad": "item.n is missing", "all": 3},
        ),
        (
            [post(url="{{ event.body.u }}", on_error="branch", error_steps=[made("e", v=1)]), made("z", v=2)],
            {"u": "nope"},
            "tell e z",
            {"v": 2},
        ),
        (
            [post(on_error="continue"), made("z", e="{{ steps.tell.error | default('fine') }}")],
            {},
            "tell z",
            {"e": "fine"},
        ),
        ([{**made("a", v=1), "disabled": True}, made("b", v=2)], {}, "b", {"v": 2}),
        (
            [
                made(
                    who={"table": {"7": ["Lena"], "8": {"n": "{{ event.body.n }}"}}, "key": "{{ event.body.n }}"},
                    else_={"table": {"x": 1}, "key": "{{ event.body.n }}", "default": "Anna"},
                )
            ],
            {"n": 8},
            "made",
            {"who": {"n": 8}, "else_": "Anna"},
        ),
        (
            [{"id": "all", "kind": "digest", "limit": 1}, made("z", n="{{ steps.all['items'][0].n }}")],
            {"n": 4},
            "all z",
            {"n": 4},
        ),
        (
            [{"id": "wait", "kind": "delay", "until": "{{ event.body.at }}"}, made("z", v=1)],
            {"at": 5},
            "wait z",
            {"v": 1},
        ),
    ],
    ids=lambda value: str(value)[:50],
)
def test_steps_of_all_kinds(steps: list[Any], body: Any, ids: str, last: Any) -> None:
    found = told(*steps, event={"body": body})

    assert found["state"] == "succeeded", found["reason"]
    assert [one["id"] for one in found["steps"]] == ids.split()
    assert found["steps"][-1]["outputs"] == last


@pytest.mark.parametrize(
    ("inputs", "event", "url", "kind", "body"),
    [
        (
            {"body": {"json": {"t": "ü {{ event.body.n }}", "n": "{{ event.body.n }}"}}},
            {"body": {"n": 3}},
            "",
            "json",
            0,
        ),
        (
            {"body": {"json": "{{ event.body }}"}},
            {"body": [1, {"b": None}, "'\""]},
            "",
            "json",
            '[1,{"b":null},"\'\\""]',
        ),
        ({"body": {"form": {"a": "x y&z", "l": ["1", 2], "z": None}}}, {}, "", "form", "a=x+y%26z&l=1&l=2"),
        ({"body": {"text": "a\n{{ event.body }}", "type": "text/csv"}}, {"body": "é"}, "", "text/csv", "a\né"),
        ({"method": "get", "query": {"q": "a b", "n": None}}, {}, "?q=a+b", None, None),
        (
            {"headers": {"content-type": "application/ld+json"}, "body": {"json": {}}},
            {},
            "",
            "application/ld+json",
            "{}",
        ),
    ],
)
def test_requests_of_all_kinds(inputs: Any, event: Any, url: str, kind: str | None, body: Any) -> None:
    kinds = {"json": "application/json", "form": "application/x-www-form-urlencoded"}
    expected = '{"t":"ü 3","n":3}' if body == 0 else body

    request = told(post(inputs=inputs), event=event)["steps"][0]["request"]

    headers = {name.lower(): value for name, value in request["headers"].items()}
    assert (request["url"], request["body"]) == (URL + url, expected)
    assert headers.get("content-type") == (kinds.get(kind, kind) if kind else None)


@pytest.mark.parametrize(
    ("step", "status", "kind", "body"),
    [
        ({"status": 201, "body": {"n": "{{ event.body.n }}"}}, 201, "application/json", '{"n":3}'),
        ({"body": "n={{ event.body.n }}"}, 200, "text/plain; charset=utf-8", "n=3"),
        ({"status": "{{ event.body.n * 100 + 4 }}", "body": "{{ event.body.n }}"}, 304, None, ""),
        ({"status": 204}, 204, None, ""),
        ({"headers": {"content-type": "text/html"}, "body": "<b>é</b>"}, 200, "text/html", "<b>é</b>"),
        ({"status": 303, "headers": {"Location": "https://a.example/{{ event.body.n }}"}}, 303, None, ""),
    ],
)
def test_answers_of_all_kinds(step: Any, status: int, kind: str | None, body: str) -> None:
    found = told(branch(("yes", YES, [{"id": "answer", "kind": "respond", **step}])), event={"body": {"n": 3}})

    headers = {name.lower(): value for name, value in found["response"]["headers"].items()}
    assert (found["response"]["status"], headers.get("content-type"), found["response"]["body"]) == (status, kind, body)
