"""Defines the filter that converts Markdown into Slack's markup (mrkdwn)."""

from __future__ import annotations

import re
from typing import Any

from relay.templating.filters.definition import Filter
from relay.templating.filters.reading import text

GROUP = "Text"
_ENTITIES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})
_MARKS = {"**": "*", "__": "*", "*": "_", "_": "_", "~~": "~"}
# Each alternative excludes the sign it starts with, so a search never goes over the same text twice.
_TOKEN = re.compile(
    r"""(?P<code>`[^`\n]+`)
    | \\(?P<escaped>[^\w\s])
    | !?\[(?P<label>[^\[\]\n]{0,500})\]\((?P<url>[^()\s<>|\[\]]{1,2000})(?:[ ]+"[^"\n\[\]]{0,500}")?\)
    | <(?P<auto>(?:https?://|mailto:)[^<>\s|]{1,2000})>
    | (?P<run>\*{1,3}|_{1,3}|~~)""",
    re.VERBOSE,
)
_LINE = re.compile(r"(?P<indent>[ \t]*)(?:(?P<heading>\#{1,6})[ \t]+|(?P<bullet>[-*+])[ \t]+|(?P<quote>>)[ \t]?)")
_RULE = re.compile(r"[ ]{0,3}([-*_])[ \t]*(?:\1[ \t]*){2,100}")


def markdown_to_slack(value: Any) -> str:
    source = text(value, most=40_000)
    fenced, result = False, list[str]()
    for line in source.replace("\r\n", "\n").split("\n"):
        fence = line.lstrip().startswith("```")
        fenced = fenced is not fence
        result.append("```" if fence else line.translate(_ENTITIES) if fenced else _line(line))
    return "\n".join(result)


def _line(line: str) -> str:
    if _RULE.fullmatch(line):
        return "──────────"
    start = _LINE.match(line)
    if start is None:
        return _inline(line)
    rest = line[start.end() :]
    if start["heading"]:
        inner = _inline(rest.rstrip().rstrip("#").rstrip().replace("**", "").replace("__", ""))
        return f"*{inner}*" if inner else ""
    if start["quote"]:
        return f"{start['indent']}> {_line(rest)}"
    return f"{start['indent']}• {_inline(rest)}"


def _inline(line: str) -> str:
    """Links, code and emphasis; a mark that is never closed stays as it is."""
    pieces, opened, end = list[str](), dict[str, int](), 0
    for token in _TOKEN.finditer(line):
        pieces.append(line[end : token.start()].translate(_ENTITIES))
        end = token.end()
        if token["run"]:
            before, after = line[token.start() - 1 : token.start()], line[end : end + 1]
            for mark in _split(token["run"], opened):
                _emphasis(mark, pieces, opened, before, after)
        else:
            pieces.append(_span(token))
    return "".join((*pieces, line[end:].translate(_ENTITIES)))


def _split(run: str, opened: dict[str, int]) -> list[str]:
    """`***` is bold and italic; it closes in the other order than it opened."""
    if len(run) < 3:
        return [run]
    marks = [run[:2], run[0]]
    return marks if list(opened)[-1:] != [run[0]] else marks[::-1]


def _emphasis(mark: str, pieces: list[str], opened: dict[str, int], before: str, after: str) -> None:
    # Slack reads no marks within a word: snake_case and 2*3 stay as they are.
    within = mark in ("_", "__", "*") and _is_word(before) and _is_word(after)
    if mark in opened and before.strip() and not within:
        index = opened.pop(mark)
        pieces[index] = _MARKS[mark]
        pieces.append(_MARKS[mark])
    elif after.strip() and not within and mark not in opened:
        opened[mark] = len(pieces)
        pieces.append(mark)
    else:
        pieces.append(mark)


def _is_word(sign: str) -> bool:
    return sign.isalnum() or sign == "_"


def _span(token: re.Match[str]) -> str:
    if token["code"]:
        return token["code"].translate(_ENTITIES)
    if token["escaped"]:
        return token["escaped"].translate(_ENTITIES)
    if token["auto"]:
        return f"<{token['auto'].replace('&', '&amp;')}>"
    address, label = token["url"].replace("&", "&amp;"), _plain(token["label"])
    return f"<{address}|{label}>" if label else f"<{address}>"


def _plain(label: str) -> str:
    """The text of a link: Slack allows no marks in it, and | ends the address."""
    return re.sub(r"\*\*|__|~~|`", "", label).replace("|", "¦").translate(_ENTITIES)


FILTERS = {
    "markdown_to_slack": Filter(
        function=markdown_to_slack,
        cost=1_200,
        help="Converts Markdown into Slack's markup: bold, italics, links, lists, headings, code.",
        example="{{ '**New** order from [Ann](https://example.com/ann) & _friends_' | markdown_to_slack }}",
        result="*New* order from <https://example.com/ann|Ann> &amp; _friends_",
    ),
}
