"""Defines filters that convert between text and markup: HTML, Slack, URLs and JSON."""

from __future__ import annotations

import html
import re
import urllib.parse
from typing import Any

from relay.templating.filters.definition import Filter
from relay.templating.filters.texts import charged_text
from relay.templating.fuel import bounded, charge, charge_text, expect_text
from relay.templating.values import as_json_text

GROUP = "Text"
_NAME = re.compile(r"/?([A-Za-z][A-Za-z0-9]{0,20})")
# Tags that may occur within a word, and tags whose content is not shown.
_INLINE = frozenset(
    "! a abbr acronym b bdi bdo big cite code del dfn em font i ins kbd mark q s samp small span strike strong sub sup "
    "time tt u var wbr".split()
)
_UNSEEN = {name: re.compile(f"</{name}", re.IGNORECASE) for name in ("script", "style")}


def striptags(value: Any) -> str:
    text = charged_text(value)
    charge(len(text) >> 2)
    return html.unescape(" ".join("".join(_outside_tags(text)).split()))


def _outside_tags(text: str) -> list[str]:
    """The text outside of tags and comments, in one pass; an unclosed tag is text.

    A tag that begins or ends a block is a blank, and of scripts and styles nothing is text.
    """
    parts, position = list[str](), 0
    unclosed = dict(_UNSEEN)
    while (start := text.find("<", position)) >= 0:
        if not _is_tag(text[start + 1 : start + 2]):
            parts.append(text[position : start + 1])
            position = start + 1
            continue
        mark = "-->" if text.startswith("<!--", start) else ">"
        end = text.find(mark, start)
        if end < 0:
            break
        name = _tag(text, start)
        parts += (text[position:start], "" if name in _INLINE else " ")
        position = end + len(mark)
        if name in unclosed and text[start + 1] != "/":
            closed = unclosed[name].search(text, position)
            if closed is None:
                del unclosed[name]  # it is text, since it is not closed
            else:
                position = closed.start()
    return [*parts, text[position:]]


def _tag(text: str, start: int) -> str:
    """The name of the tag that begins there, in lower case; "!" for a comment."""
    match = _NAME.match(text, start + 1)
    return match[1].lower() if match else "!"


def _is_tag(sign: str) -> bool:
    return sign.isalpha() or sign in ("/", "!", "?")


def escape(value: Any) -> str:
    return _entities(value, {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&#34;", "'": "&#39;"})


def slack(value: Any) -> str:
    return _entities(value, {"&": "&amp;", "<": "&lt;", ">": "&gt;"})


def _entities(value: Any, entities: dict[str, str | int | None]) -> str:
    text = charged_text(value)
    charge(len(text) >> 3)
    expect_text(len(text) + sum(text.count(sign) * (len(str(entity)) - 1) for sign, entity in entities.items()))
    return text.translate(str.maketrans(entities))


def urlencode(value: Any) -> str:
    if isinstance(value, dict):
        return "&".join(f"{_quote(key, '')}={_quote(item, '')}" for key, item in value.items())
    if isinstance(value, list):
        return "&".join(f"{_quote(key, '')}={_quote(item, '')}" for key, item in value)
    return _quote(value, "")


def urlencode_path(value: Any) -> str:
    return _quote(value, "/")


def _quote(value: Any, safe: str) -> str:
    data = charged_text(value).encode("utf-8", "replace")
    charge(len(data) >> 1)
    return urllib.parse.quote(data, safe=safe)


def tojson(value: Any, indent: int | None = None) -> str:
    spaces = 0 if indent is None else min(bounded(indent, name="the indent"), 16)
    if spaces:
        _charge_indent(value, spaces)
    text = as_json_text(value, indent=spaces)
    charge_text(text)
    return text


def _charge_indent(value: Any, spaces: int, depth: int = 1) -> None:
    """Indented JSON is written by Python, line by line, each as long as it is deep."""
    if isinstance(value, (list, tuple, dict)):
        expect_text(len(value) * spaces * depth)
        charge(8 * len(value))
        for item in value.values() if isinstance(value, dict) else value:
            _charge_indent(item, spaces, depth + 1)


_ESCAPE = Filter(
    function=escape,
    cost=80,
    help="Escapes &, <, > and quotes for HTML and XML.",
    example="{{ 'a < b' | escape }}",
    result="a &lt; b",
)
_STRIP = Filter(
    function=striptags,
    cost=400,
    help="Removes HTML tags and repeated white space.",
    example="{{ '<p>Hello  <b>you</b></p>' | striptags }}",
    result="Hello you",
)
_JSON = Filter(
    group="JSON and addresses",
    function=tojson,
    cost=0,
    help="Writes a value as JSON; `indent=2` spreads it over lines.",
    example="{{ {'id': 7, 'tags': ['a']} | tojson }}",
    result='{"id": 7, "tags": ["a"]}',
)
_URL = Filter(
    group="JSON and addresses",
    function=urlencode,
    cost=60,
    help="Escapes text for one part of a URL, `/` as well; makes a query of an object.",
    example="{{ 'a/b & c' | urlencode }}",
    result="a%2Fb%20%26%20c",
)
_URL_PATH = Filter(
    group="JSON and addresses",
    function=urlencode_path,
    cost=60,
    help="Escapes text for a whole path of a URL: `/` stays.",
    example="{{ 'docs/a b.pdf' | urlencode_path }}",
    result="docs/a%20b.pdf",
)

FILTERS = {
    "e": _ESCAPE,
    "escape": _ESCAPE,
    "slack": Filter(
        function=slack,
        cost=70,
        help="Escapes & < > for a Slack message.",
        example="{{ 'Salt & Pepper <3' | slack }}",
        result="Salt &amp; Pepper &lt;3",
    ),
    "strip_tags": _STRIP,
    "striptags": _STRIP,
    "to_json": _JSON,
    "tojson": _JSON,
    "url_encode": _URL,
    "urlencode": _URL,
    "urlencode_path": _URL_PATH,
}
