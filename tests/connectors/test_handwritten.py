"""Tests that a value that breaks a handwritten form or CSV fails its step, in runs, dry runs and previews alike."""

from __future__ import annotations

import csv
import io
import json
from typing import Any
from urllib.parse import parse_qsl

import pytest

from relay.connectors.handwritten import check_body
from relay.errors import ValueRefused
from relay.masking import MASK
from relay.templating import compile_leaf
from tests.engine.dry_run.test_dry_runs import told
from tests.support.walking import Recorder, walk, work_item

FORM = "application/x-www-form-urlencoded"
HOSTILE = ["a&b=c", "1+1", "100%", "%41", "a;b", "a\nb", "a\r\nb", "\0", "\x7f", "ö", "😀", "\u2028", "a&", "&"]
CELLS = ["a,b", 'say "hi"', '"', "a\nb", "a\r\nb", "\r", ",", '"a', 'a"', '"a"b', '"a","b"', '""a']


def check(text: str, kind: str = FORM, **values: Any) -> str:
    """The rendered body. Raises ValueRefused if a value breaks it."""
    rendered = compile_leaf(text).render(values)
    check_body({"body": {"text": text, "type": kind}}, {"body": {"text": rendered, "type": kind}}, values)
    return str(rendered)


@pytest.mark.parametrize("value", HOSTILE)
@pytest.mark.parametrize(
    "text",
    [
        "a={{ v }}",
        "a=1&b={{ v }}&c=2",
        "a=x{{ v }}",
        "a={{ v }}x",
        "a={{ v | trim('!') }}",
        "a={{ w }}{{ v }}",
        "{% if w %}a={{ v }}&{% endif %}b=1",
        "{% for x in [v] %}a={{ x }}&{% endfor %}",
        "{{ v }}=1",
        "a={{ v | default('x') }}&{{ w }}",
        "a={{ v if w else v | urlencode }}",
        "a={{ 'x' ~ v }}",
        "{% macro m(x) %}{{ x }}{% endmacro %}a={{ m(v) }}",
        "{% set x %}{{ v }}{% endset %}a={{ x }}",
    ],
)
def test_a_value_that_breaks_a_form_is_not_sent(text: str, value: str) -> None:
    with pytest.raises(ValueRefused, match=r"^The value of \{\{ .* has .* in it, .*urlencode"):
        check(text, v=value, w="w")


@pytest.mark.parametrize("value", [*HOSTILE, "a=b", "plain", ""])
@pytest.mark.parametrize(
    "text",
    [
        "a={{ v | urlencode }}&b=1",
        "a={{ v | urlencode | replace('%20', '+') }}&b=1",
        "a={{ (v | urlencode) if v else '' }}&b=1",
        "{{ {'a': v, 'b': 1} | query_string }}",
        "{{ {'a': v} | urlencode }}&b=1",
        "a={{ 'x' ~ (v | urlencode) }}&b=1",
        "a={{ [v] | map('urlencode') | join(',') }}&b=1",
        "{% for x in [v] %}a={{ x | urlencode }}&{% endfor %}b=1",
    ],
)
def test_an_encoded_value_is_sent(text: str, value: str) -> None:
    read = dict(parse_qsl(check(text, v=value), keep_blank_values=True, strict_parsing=True))

    assert (read["a"].removeprefix("x") if "'x' ~" in text else read["a"], read["b"]) == (value, "1")


@pytest.mark.parametrize(
    "text",
    [
        "{{ v }}",
        "{{ v }}&c=3",
        "c=3&{{ v }}",
        "c=3&{{ v }}&d=4",
        "c=3&\n{{ v }}\n&d=4",
        "{% for x in [v] %}{{ x }}&{% endfor %}c=3",
        "{{ w }}{{ v }}",
        "{{ 'a=1&b=2' }}&c={{ w }}",
        "a={{ w }}&e={{ mail }}&u={{ url }}",
    ],
)
def test_whole_fields_that_were_made_elsewhere_are_sent(text: str) -> None:
    values = {"v": "a=1&b=x+y%20z", "w": "w", "mail": "ann@example.com", "url": "https://example.com/a?b=c"}

    assert check(text, **values) == compile_leaf(text).render(values)


@pytest.mark.parametrize("value", CELLS)
@pytest.mark.parametrize(
    "text",
    [
        "a,b\n{{ v }},1\n",
        "a,b\n1,{{ v }}\n",
        "{{ v }},{{ v }}",
        'a,b\n"x",{{ v }}x\n',
        "a,b\r\n{% for x in [v] %}{{ x }},1\r\n{% endfor %}",
        "x {{ v }},1",
    ],
)
def test_a_value_that_breaks_a_record_is_not_sent(text: str, value: str) -> None:
    with pytest.raises(ValueRefused, match=r"^The value of \{\{ .* has .* in it, .*\| csv"):
        check(text, "text/csv; charset=utf-8", v=value)


@pytest.mark.parametrize("value", ['"', 'say "hi"', 'a","b', 'a"\n"b', '""a"', 'a"""'])
def test_a_value_may_not_end_the_quotes_around_it(value: str) -> None:
    with pytest.raises(ValueRefused, match=r"ends the quotes that are around it; write .* without quotes around it"):
        check('a,b\n"{{ v }}",1', "text/csv", v=value)


@pytest.mark.parametrize("value", [*CELLS, "plain", "", "=1+1", " x ", "ö"])
@pytest.mark.parametrize(
    "text",
    [
        "a,b\n{{ v | csv }},1\n",
        "a,b\n{{ [v, 1] | csv }}\n",
        'a,b\n"{{ v | replace(\'"\', \'""\') }}",1\n',
        "a,b\n{% for x in [v] %}{{ x | csv }},1\n{% endfor %}",
        "a,b\n{{ (v | csv) if v else '' }},1\n",
        "{% set c = v | csv %}a,b\n{{ c }},1\n",
    ],
)
def test_an_escaped_value_is_one_field(text: str, value: str) -> None:
    rows = list(csv.reader(io.StringIO(check(text, "text/csv", v=value), newline=""), strict=True))

    assert rows == [["a", "b"], [value, "1"]]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("{{ table }}", "text/csv"),
        ("a,b\n{{ table }}", "text/csv"),
        ("{{ table }}\n9,9\n", "text/csv"),
        ("a;b\n{{ v }};1\n", "text/csv"),
        ("a\tb\n{{ v }}\t1\n", "text/tab-separated-values"),
        ("names\n{{ names }}\n", "text/csv"),
        ("id,{{ row | csv }}\n", "text/csv"),
        ("Report\n\na,b\n{{ table }}\n", "text/csv"),
        ('"a,1",b\n{{ table }}\n', "text/csv"),
        ("{% for r in rows %}{{ r | csv }}\n{% endfor %}", "text/csv"),
        ("{{ rows | map('csv') | join('\n') }}", "text/csv"),
        ("a,b\n{{ v }}&{{ table }}", "text/plain"),
        ("a,b\n", "text/csv"),
    ],
)
def test_csv_that_was_made_elsewhere_is_sent(text: str, kind: str) -> None:
    values = {"table": '1,"x, ""y"""\r\n2,3\n', "v": "1,5", "names": "a\nb", "row": ["a,b", "c"]}

    assert check(text, kind, **values, rows=[[1, "a,b"], [2, "\n"]])


@pytest.mark.parametrize(
    ("text", "value", "said"),
    [
        ("a,b\n{{ v }}\n", "1,2,3", "has a record of 3 fields, where others have 2"),
        ("a,b\n{{ v }}\n", "1,2\n3\n", "has a record of 1 fields, where others have 2"),
        ("name\n{{ v }}\n", "a,b", "has a record of 2 fields, where others have 1"),
        ("a,b\n{{ v }}\n", '1,"2', "has quotes in it that aren't those of CSV"),
        ("a,b\n{{ v }}\n", '1,2"', "has quotes in it that aren't those of CSV"),
        ("a;b\n{{ v }};1\n", "1;5", "has “;” in it"),
        ("a\tb\n{{ v }}\t1\n", "1\t5", "has a tab in it"),
    ],
)
def test_records_that_are_not_like_the_others_are_not_sent(text: str, value: str, said: str) -> None:
    with pytest.raises(ValueRefused, match=said):
        check(text, "text/csv", v=value)


@pytest.mark.parametrize(
    ("text", "advised"),
    [
        ("a={{ v }}", "{{ v | urlencode }}"),
        ("a={{ o.v[0] | upper }}", "{{ o.v[0] | upper | urlencode }}"),
        ("a={{ v ~ '' }}", "{{ (v ~ '') | urlencode }}"),
        ("a={{ v if v else 1 }}", "{{ (v if v else 1) | urlencode }}"),
    ],
)
def test_the_advice_is_what_works(text: str, advised: str) -> None:
    values = {"v": "a&b", "o": {"v": ["a&b"]}}

    with pytest.raises(ValueRefused) as caught:
        check(text, **values)
    assert str(caught.value).endswith(f"write {advised}")
    assert check(f"a={advised}", **values).casefold() == "a=a%26b"


def test_a_type_in_the_headers_counts() -> None:
    for headers in ({"content-TYPE": FORM}, json.dumps({"Content-Type": FORM})):
        body = {"text": "a={{ v }}", "type": "text/plain"}
        with pytest.raises(ValueRefused):
            check_body({"body": body}, {"headers": headers, "body": {**body, "text": "a=&"}}, {"v": "&"})


@pytest.mark.parametrize(
    "inputs", [None, [], {"body": "x"}, {"body": {"text": "a", "type": []}}, {"headers": "{", "body": {}}]
)
def test_inputs_of_any_shape_are_passed_by(inputs: Any) -> None:
    for source in ("x", [], {}, {"body": "{{ v }}"}, {"body": {"text": 1}}, {"body": {"text": "a={{ v }}"}}):
        check_body(source, inputs, {})


def test_masked_values_are_not_checked() -> None:
    assert check("a={{ v }}", v=MASK)


@pytest.mark.parametrize(
    ("body", "kind", "value", "said"),
    [
        ('{"a": "{{ event.body.v }}"}', "application/json; charset=utf-8", 'x"', "isn't valid JSON: line 1: "),
        ("<a>{{ event.body.v }}</a>", "text/xml", "&", "isn't well-formed XML"),
        ("a={{ event.body.v }}", FORM, "x&b=1", "has “&” in it"),
        ("n,m\n{{ event.body.v }},1", "text/csv", "a,b", "{{ event.body.v | csv }}"),
    ],
)
def test_answers_of_runs_and_dry_runs_are_checked(body: str, kind: str, value: str, said: str) -> None:
    step = {"id": "say", "kind": "respond", "headers": {"content-TYPE": kind}, "body": body}

    outcome = walk(work_item(step, body=json.dumps({"v": value}).encode()), Recorder())
    dry = told(step, event={"body": {"v": value}})

    assert (outcome.state, outcome.response, dry["state"]) == ("failed", None, "failed")
    assert said in outcome.reason
    assert outcome.reason == dry["reason"]


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ("ok", "application/json"),
        ("{{ event.body.v }}", "application/json"),
        ('{"a": {{ event.body.v | tojson }}}', "application/json"),
        ({"a": "{{ event.body.v }}"}, "application/json"),
        ("<a>{{ event.body.v | escape }}</a>", "application/xml"),
        ("{ {{ event.body.v }}", "text/plain"),
    ],
)
def test_answers_that_are_whole_are_given(body: Any, kind: str) -> None:
    step = {"id": "say", "kind": "respond", "headers": {"Content-Type": kind}, "body": body}

    outcome = walk(work_item(step, body=b'{"v": "x\\"&<"}'), Recorder())

    assert (outcome.state, outcome.reason) == ("succeeded", "")


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [("a={{ event.body.v }}", FORM, "x&admin=1"), ("n,m\n{{ event.body.v }},1", "text/csv", "x,1\n=cmd()")],
)
def test_runs_and_dry_runs_say_what_is_wrong(text: str, kind: str, value: str) -> None:
    inputs = {"url": "https://h.example/", "body": {"text": text, "type": kind}}
    step = {"id": "s", "kind": "action", "action": "http.request", "inputs": inputs}
    recorder = Recorder()

    outcome = walk(work_item(step, body=json.dumps({"v": value}).encode()), recorder)
    dry = told(step, event={"body": {"v": value}})

    assert (outcome.state, dry["state"], recorder.sent) == ("failed", "failed", [])
    assert outcome.reason == dry["reason"]
    assert "The value of {{ event.body.v }} has " in outcome.reason
    assert dry["steps"][0]["inputs"]["body"]["text"].startswith(text[:2])
