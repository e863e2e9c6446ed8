"""Finds texts that templates derived from secrets: a service may repeat them, and a search for secrets misses them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from itertools import zip_longest
from typing import Any

from relay import templating
from relay.errors import RelayError
from relay.masking import MIN_SECRET
from relay.templating import use_of

_SHIFT = {
    **{ord("0") + n: ord("0") + (n + 3) % 10 for n in range(10)},
    **{ord("a") + n: ord("a") + (n + 7) % 26 for n in range(26)},
    **{ord("A") + n: ord("A") + (n + 7) % 26 for n in range(26)},
}


def others(secrets: Mapping[str, str]) -> dict[str, str]:
    """Different secrets of the same form, by the same names."""
    return {name: secret.translate(_SHIFT) for name, secret in secrets.items()}


def derived(source: Any, sent: Any, context: Mapping[str, Any], names: frozenset[str]) -> set[str]:
    """Texts of `sent`, the rendered inputs, that would differ with another secret.

    `context` has `others` in place of the secrets called `names`. If a template fails with those, all of its texts
    count.
    """
    return {text for text in _derived(source, sent, context, names) if len(text) >= MIN_SECRET}


def _derived(source: Any, sent: Any, context: Mapping[str, Any], names: frozenset[str]) -> Iterator[str]:
    if isinstance(source, dict) and isinstance(sent, dict):
        for key in source.keys() & sent.keys():
            yield from _derived(source[key], sent[key], context, names)
    elif isinstance(source, list) and isinstance(sent, list):
        for template, value in zip(source, sent, strict=False):
            yield from _derived(template, value, context, names)
    elif isinstance(source, str) and use_of(source, "vars", names) == "worked":
        try:
            other = templating.compile_leaf(source).render(context)
        except RelayError:
            other = None
        for text, beside in zip_longest(_texts(sent), _texts(other)):
            if text is not None and text != beside:
                yield from (text, _different(text, beside or ""))


def _different(text: str, other: str) -> str:
    """A text without the start and the end that it shares with another."""
    start = _common_start(text, other)
    text, other = text[start:], other[start:]
    return text[: len(text) - _common_start(text[::-1], other[::-1])]


def _common_start(text: str, other: str) -> int:
    """The length of the common start of two texts."""
    pairs = enumerate(zip(text, other, strict=False))
    return next((index for index, (left, right) in pairs if left != right), min(len(text), len(other)))


def _texts(value: Any) -> Collection[str]:
    if isinstance(value, dict | list):
        inside = value.values() if isinstance(value, dict) else value
        return [text for inner in inside for text in _texts(inner)]
    return [] if value is None or isinstance(value, bool) else [str(value)]
