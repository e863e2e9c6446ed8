"""What templates made of secrets: texts that hold more of one than can be recognised by what it is."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from itertools import zip_longest
from typing import Any

from relay import redaction
from relay.flows.uses import used_names

_SHIFT = {
    **{ord("0") + n: ord("0") + (n + 3) % 10 for n in range(10)},
    **{ord("a") + n: ord("a") + (n + 7) % 26 for n in range(26)},
    **{ord("A") + n: ord("A") + (n + 7) % 26 for n in range(26)},
}
_without_bare = re.compile(r"\{\{-?\s*vars\.\w+\s*-?\}\}").sub


def stand_in(secret: str) -> str:
    """Another secret of the same form."""
    return secret.translate(_SHIFT)


def may_transform(source: Any, names: Collection[str]) -> bool:
    """Whether a tree of templates does anything with the secrets called `names` but put them where they are written."""
    if isinstance(source, dict | list):
        inside = source.values() if isinstance(source, dict) else source
        return any(may_transform(one, names) for one in inside)
    return isinstance(source, str) and _uses(source, names) and _uses(_without_bare("", source), names)


def derived(source: Any, rendered: Any, other: Any, secrets: Mapping[str, str]) -> set[str]:
    """Whole texts of `rendered` that are as secret as what they were made of.

    `source`: the inputs as written; `rendered`: what they became; `other`: what they become where each of `secrets`,
    by name, is its stand-in. A text is recognised where both are the same behind the mask.
    """
    if isinstance(source, dict) and isinstance(rendered, dict):
        keys = [key for key in source if key in rendered]
        parts = [(source[key], rendered[key], other.get(key) if isinstance(other, dict) else None) for key in keys]
    elif isinstance(source, list) and isinstance(rendered, list):
        beside = other if isinstance(other, list) else []
        parts = [part for part in zip_longest(source, rendered, beside) if part[0] is not None]
    elif isinstance(source, str) and _uses(source, secrets):
        return _unrecognised(source, rendered, other, secrets)
    else:
        parts = []
    return set().union(*(derived(*part, secrets) for part in parts))


def _unrecognised(source: str, rendered: Any, other: Any, secrets: Mapping[str, str]) -> set[str]:
    real, fake = list(secrets.values()), [stand_in(one) for one in secrets.values()]
    masked = [(text, redaction.mask(text, real)) for text in _texts(rendered)]
    found = {text for text, shown in masked if shown == text}
    if may_transform(source, secrets):
        beside = [redaction.mask(text, fake) for text in _texts(other)]
        found |= {text for (text, shown), same in zip_longest(masked, beside, fillvalue=("", "")) if shown != same}
    return found - {""}


def _uses(source: str, names: Collection[str]) -> bool:
    """Whether a template uses one of the names, or all variables at once."""
    return not used_names(source, "vars").isdisjoint({"", *names})


def _texts(value: Any) -> list[str]:
    if isinstance(value, dict | list):
        inside = value.values() if isinstance(value, dict) else value
        return [text for one in inside for text in _texts(one)]
    return [] if value is None or isinstance(value, bool) else [str(value)]
