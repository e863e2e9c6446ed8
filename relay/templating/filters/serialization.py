"""Defines filters that read and write JSON, queries and URLs."""

from __future__ import annotations

import urllib.parse
from typing import Any, NoReturn

from relay.bodies import numerals
from relay.errors import TemplateLimit
from relay.templating.filters.definition import Filter, Unfit
from relay.templating.filters.reading import table, text
from relay.templating.fuel import charge
from relay.templating.values import as_text

GROUP = "JSON and addresses"
# A value may take 24 times the memory of its text.
_MAX_TEXT = 1 << 19


def parse_json(value: Any) -> Any:
    source = text(value, "JSON text", most=_MAX_TEXT)
    try:
        return numerals.loads(source, parse_constant=_no_json)
    except RecursionError:
        raise TemplateLimit("nesting", "the JSON text is nested too deep") from None
    except ValueError:
        raise Unfit("JSON text", value) from None


def _no_json(word: str) -> NoReturn:
    raise ValueError(word)


def query_string(value: Any) -> str:
    parts = [pair for key, item in table(value).items() for pair in _pairs(key, item)]
    return "&".join(f"{_quoted(key)}={_quoted(item)}" for key, item in parts)


def _pairs(key: Any, item: Any) -> list[tuple[Any, Any]]:
    """A list repeats its name; null is left out."""
    if isinstance(item, (list, tuple)):
        charge(2 * len(item))
        return [(key, part) for part in item if part is not None]
    return [] if item is None else [(key, item)]


def _quoted(value: Any) -> str:
    data = as_text(value).encode("utf-8", "replace")
    charge(4 + (len(data) >> 1))
    return urllib.parse.quote(data, safe="")


def parse_query(value: Any) -> dict[str, Any]:
    source = text(value, "a query like a=1&b=2")
    result = dict[str, Any]()
    query = source.partition("#")[0]
    query = query.partition("?")[2] if "?" in query else query
    for name, item in urllib.parse.parse_qsl(query, keep_blank_values=True):
        if name not in result:
            result[name] = item
        elif isinstance(result[name], list):
            result[name].append(item)
        else:
            result[name] = [result[name], item]
    return result


def url_decode(value: Any) -> str:
    source = text(value)
    return urllib.parse.unquote_plus(source)


def url_parts(value: Any) -> dict[str, Any]:
    source = text(value, "an address like https://example.com/a?b=c", most=8_000)
    try:
        parts = urllib.parse.urlsplit(source.strip())
        port = parts.port
    except ValueError:
        raise Unfit("an address like https://example.com/a?b=c", value) from None
    if not parts.scheme or not parts.hostname:
        raise Unfit("an address like https://example.com/a?b=c", value)
    return {
        "scheme": parts.scheme,
        "host": parts.hostname,
        "port": port,
        "path": parts.path,
        "query": parse_query(parts.query),
        "fragment": parts.fragment,
    }


FILTERS = {
    "parse_json": Filter(
        function=parse_json,
        cost=40,
        help="Reads JSON text, such as a field that holds JSON.",
        example="""{{ '{"id": 7, "tags": ["a"]}' | parse_json }}""",
        result={"id": 7, "tags": ["a"]},
    ),
    "parse_query": Filter(
        function=parse_query,
        cost=400,
        help="Makes an object of a query, or of the query of a URL.",
        example="{{ 'https://example.com/?a=1&b=x+y&b=z' | parse_query }}",
        result={"a": "1", "b": ["x y", "z"]},
    ),
    "query_string": Filter(
        function=query_string,
        cost=60,
        help="Makes a query of an object; null is left out.",
        example="{{ {'q': 'a b', 'tag': ['x', 'y'], 'page': none} | query_string }}",
        result="q=a%20b&tag=x&tag=y",
    ),
    "url_decode": Filter(
        function=url_decode,
        cost=320,
        help="Decodes %20 and + of a URL.",
        example="{{ 'a%20b%26c' | url_decode }}",
        result="a b&c",
    ),
    "url_parts": Filter(
        function=url_parts,
        help="The scheme, host, port, path, query and fragment of a URL.",
        example="{{ 'https://example.com/a?b=c' | url_parts | pick('host', 'path', 'query') }}",
        result={"host": "example.com", "path": "/a", "query": {"b": "c"}},
    ),
}
