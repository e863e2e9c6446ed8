"""The names that someone may have meant who wrote one that isn't there."""

from __future__ import annotations

import difflib
import itertools
from collections.abc import Iterable

_ALSO = 0.8
# What people call things elsewhere, and what it is called here.
_ELSEWHERE = {
    "add_days": "date_add",
    "ago": "date_age",
    "b64decode": "base64_decode",
    "b64encode": "base64_encode",
    "contains": "regex_matches",
    "currency": "money",
    "filter": "where",
    "from_json": "parse_json",
    "get": "lookup",
    "groupby": "group",
    "jsonify": "to_json",
    "md": "markdown_to_slack",
    "mrkdwn": "markdown_to_slack",
    "parse": "date_parse",
    "strftime": "date_format",
    "timeago": "date_age",
    "timezone": "date_zone",
    "uuid": "uuid5",
}


def near_names(name: str, known: list[str]) -> list[str]:
    """Up to three of `known` that someone who wrote `name` may have meant, the likeliest first."""
    word = name[:40].lower()
    meant = [_ELSEWHERE[word]] if _ELSEWHERE.get(word) in known else []
    like = difflib.get_close_matches(word, known, n=3, cutoff=0.7)
    parts = [one for one in known if len(word) >= 4 and (one.startswith(word) or (len(one) >= 4 and one in word))]
    return list(dict.fromkeys((*meant, *like, *parts)))[:3]


def or_words(words: list[str]) -> str:
    """`a`, `a or b`, `a, b or c`."""
    return " or ".join(filter(None, (", ".join(words[:-1]), *words[-1:])))


def near_keys(key: str, names: Iterable[object]) -> list[str]:
    """Up to three names most like `key`, as they are written; the one that differs in capitals alone by itself."""
    near = [name for name in itertools.islice(names, 500) if isinstance(name, str) and len(name) <= 60]
    for name in near:
        if name.casefold() == key.casefold():
            return [name]
    found = difflib.get_close_matches(key[:60], near, n=3)
    return [name for name in found if name == found[0] or _likeness(key, name) >= _ALSO]


def _likeness(one: str, other: str) -> float:
    return difflib.SequenceMatcher(None, one[:60], other).ratio()


def no_such(what: str, name: str, known: Iterable[str]) -> str:
    """That there is no filter or test of that name, and those most like it."""
    near = near_names(name, list(known))
    advice = f"; did you mean {or_words(near)}?" if near else ""
    return f"there is no {what} '{name[:80]}'{advice}"
