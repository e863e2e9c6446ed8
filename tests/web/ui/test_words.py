"""Times, trees and cURL lines, as people read them."""

from __future__ import annotations

import shlex
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from relay import ids
from relay.web.runs import narrative
from relay.web.ui import form_data, payload_tree, times

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "now"),
        (5, "5 s ago"),
        (59.9, "59 s ago"),
        (60, "1 min ago"),
        (7_200, "2 h ago"),
        (200_000, "2 d ago"),
        (-90, "in 1 min"),
    ],
)
def test_how_long_ago(seconds: float, words: str) -> None:
    assert times.ago(NOW - timedelta(seconds=seconds), at=NOW) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.0004, "0 ms"),
        (0.034, "34 ms"),
        (2.14, "2.1 s"),
        (250, "4 min 10 s"),
        (7_500, "2 h 5 min"),
        (259_200, "3 d"),
        (-1, "0 ms"),
    ],
)
def test_how_long_it_took(seconds: float, words: str) -> None:
    assert times.duration(seconds) == words


def test_an_id_tells_its_time() -> None:
    # A new source: the process's own one continues from the latest time that a test has travelled to.
    source = ids._Source()
    before = times.now() - timedelta(milliseconds=2)

    number = source.new()

    assert before <= times.created_at(number) <= times.now() + timedelta(milliseconds=2)


@pytest.mark.parametrize(
    ("part", "name"),
    [
        ("total", "event.body.total"),
        (0, "event.body[0]"),
        ("x-y", "event.body['x-y']"),
        ("it's", "event.body['it\\'s']"),
        ("a}}b", "event.body['a\\x7d\\x7db']"),
        ("", "event.body['']"),
        ("ключ", "event.body['ключ']"),
    ],
)
def test_a_leaf_is_called_as_templates_call_it(part: str | int, name: str) -> None:
    from relay.templating import compile_leaf

    assert payload_tree.template_name("event.body", part) == name
    body: Any = {part: 7} if isinstance(part, str) else [7]
    assert compile_leaf("{{ " + name + " }}").render({"event": {"body": body}}) == 7


def test_a_tree_ends_somewhere() -> None:
    deep: Any = 1
    for _ in range(60):
        deep = [deep]

    wide = payload_tree.build_tree({"rows": list(range(5_000))}, name="event.body")
    payload_tree.build_tree(deep, name="event.body")

    rows = wide.children[0]
    assert rows.size == "5000 items"
    assert len(rows.children) < payload_tree.MAX_NODES
    assert rows.cut == 5_000 - len(rows.children)


def test_a_curl_line_is_one_shell_word_each() -> None:
    request = {"method": "PUT", "url": "https://e.com/?a='b'", "headers": {"X": "$(rm -rf /)"}, "body": "it's"}

    line = narrative.curl(request)

    assert shlex.split(line) == [
        "curl", "-X", "PUT", "https://e.com/?a='b'", "-H", "X: $(rm -rf /)", "--data-binary", "it's",
    ]  # fmt: skip
    assert narrative.curl({"url": "inbox"}) == ""


def test_what_is_posted_is_text_that_a_database_can_hold() -> None:
    assert form_data.clean("a\x00b\r\nc\ud800") == "ab\nc?"
