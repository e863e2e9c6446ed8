"""Defines filters for regular expressions in RE2's dialect: linear in the text, no look-around, no back-references."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from relay.templating.filters.definition import Filter, Unfit
from relay.templating.filters.reading import text, whole
from relay.templating.fuel import bounded, charge, expect_text, watch
from relay.templating.missing import Missing
from relay.templating.patterns import charge_search, compile_pattern

GROUP = "Text"
_REFERENCE = re.compile(r"\\(\d)|\\g<(\w{1,80})>")


def _searched(value: Any, pattern: Any) -> tuple[Any, str]:
    """The compiled pattern, and the text in a form that RE2 reads. Charges one pass."""
    compiled = compile_pattern(pattern)
    source = text(value).encode("utf-8", "replace").decode()
    charge_search(compiled, source)
    return compiled, source


def _matches(value: Any, pattern: Any) -> Iterator[Any]:
    compiled, source = _searched(value, pattern)
    for match in compiled.finditer(source):
        yield match
        charge(40)
        # A search may read to the end for a longer match. Most don't, so the time is checked instead.
        watch()


def _part(match: Any, group: Any) -> Any:
    """The requested group of a match, else the first one, else the whole match."""
    groups = match.re.groups if group is None else whole(group, "a group", most=match.re.groups)
    return match.group(min(groups, 1) if group is None else groups)


def regex_matches(value: Any, pattern: str) -> bool:
    compiled, source = _searched(value, pattern)
    return compiled.search(source) is not None


def regex_find(value: Any, pattern: str, group: Any = None) -> Any:
    compiled, source = _searched(value, pattern)
    match = compiled.search(source)
    part = None if match is None else _part(match, group)
    return Missing(base="what the pattern looks for", why="use | default('')") if part is None else part


def regex_find_all(value: Any, pattern: str, group: Any = None) -> list[str]:
    return [_part(match, group) or "" for match in _matches(value, pattern)]


def regex_replace(value: Any, pattern: str, new: Any = "", count: int = 0) -> str:
    source, pieces, end, most = text(value), list[str](), 0, bounded(count, name="the count")
    template = text(new, "a text to put in")
    for match in _matches(value, pattern):
        pieces += (match.string[end : match.start()], _expanded(match, template))
        end, source = match.end(), match.string
        expect_text(len(pieces[-1]))
        if most and len(pieces) >= 2 * most:
            break
    return "".join((*pieces, source[end:]))


def _expanded(match: Any, template: str) -> str:
    def group(reference: re.Match[str]) -> str:
        try:
            return match.group(int(reference[1]) if reference[1] else reference[2]) or ""
        except (LookupError, ValueError):
            raise Unfit("groups that the pattern has", reference[0]) from None

    return _REFERENCE.sub(group, template) if "\\" in template else template


FILTERS = {
    "regex_find": Filter(
        function=regex_find,
        help="The first match of a regular expression: its first group in brackets, else the whole match.",
        example="{{ 'Order #1001 paid' | regex_find('#([0-9]+)') }}",
        result="1001",
    ),
    "regex_find_all": Filter(
        function=regex_find_all,
        help="A list of all matches of a regular expression.",
        example="{{ 'A-1, B-22' | regex_find_all('[0-9]+') }}",
        result=["1", "22"],
    ),
    "regex_matches": Filter(
        function=regex_matches,
        help="Whether a regular expression matches anywhere; ^ and $ are the ends of the text.",
        example="{{ 'SKU-42' | regex_matches('^SKU-[0-9]+$') }}",
        result=True,
    ),
    "regex_replace": Filter(
        function=regex_replace,
        help="Replaces all matches of a regular expression; \\\\1 is the first group in brackets.",
        example=r"{{ '2024-01-31' | regex_replace('([0-9]+)-([0-9]+)-([0-9]+)', '\\3.\\2.\\1') }}",
        result="31.01.2024",
    ),
}
