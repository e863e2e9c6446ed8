"""Suggests existing names for a name that doesn't exist."""

from __future__ import annotations

import difflib
import itertools
from collections.abc import Iterable

_MIN_LIKENESS = 0.8
# Names in other products, and the names here.
_ALIASES = {
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
    """Up to three of the `known` names that `name` may stand for, the likeliest first."""
    word = name[:40].lower()
    aliases = [_ALIASES[word]] if _ALIASES.get(word) in known else []
    similar = difflib.get_close_matches(word, known, n=3, cutoff=0.7)
    parts = [
        name_ for name_ in known if len(word) >= 4 and (name_.startswith(word) or (len(name_) >= 4 and name_ in word))
    ]
    return list(dict.fromkeys((*aliases, *similar, *parts)))[:3]


def or_words(words: list[str]) -> str:
    """`a`, `a or b`, `a, b or c`."""
    return " or ".join(filter(None, (", ".join(words[:-1]), *words[-1:])))


def near_keys(key: str, names: Iterable[object]) -> list[str]:
    """Up to three names that are most similar to `key`, or the one name that differs in case only."""
    candidates = [name for name in itertools.islice(names, 500) if isinstance(name, str) and len(name) <= 60]
    for name in candidates:
        if name.casefold() == key.casefold():
            return [name]
    similar = difflib.get_close_matches(key[:60], candidates, n=3)
    return [name for name in similar if name == similar[0] or _likeness(key, name) >= _MIN_LIKENESS]


def _likeness(left: str, right: str) -> float:
    return difflib.SequenceMatcher(None, left[:60], right).ratio()


def no_such(what: str, name: str, known: Iterable[str]) -> str:
    """The message that there is no filter or test with a name, with similar names."""
    near = near_names(name, list(known))
    advice = f"; did you mean {or_words(near)}?" if near else ""
    return f"there is no {what} '{name[:80]}'{advice}"
