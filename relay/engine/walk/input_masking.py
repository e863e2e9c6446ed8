"""Masks secrets in inputs by where templates put them, never by their value."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from relay import templating
from relay.errors import RelayError
from relay.masking import MASK
from relay.templating import Use, use_of

ABSENT: Any = object()
_MAX_NAMES = 3


def masks(plain: Mapping[str, str], names: frozenset[str]) -> dict[str, str]:
    """The variables of a template, with a mask for each secret."""
    return {**plain, **dict.fromkeys(names, MASK)}


def shown(source: Any, context: Mapping[str, Any], names: frozenset[str], sent: Any = ABSENT) -> Any:
    """The inputs of a step as they may be shown.

    `context` has masks in place of the secrets called `names`. If a template only inserts a secret, a mask replaces
    it; if a template does anything else with it, the whole value is masked. `sent`: the rendered inputs, used for
    templates without secrets, which are rendered if it is missing. Raises RelayError if that fails.
    """
    if isinstance(source, dict):
        inside = sent if isinstance(sent, dict) else {}
        return {key: shown(value, context, names, inside.get(key, ABSENT)) for key, value in source.items()}
    if isinstance(source, list):
        beside = sent if isinstance(sent, list) and len(sent) == len(source) else [ABSENT] * len(source)
        return [shown(value, context, names, other) for value, other in zip(source, beside, strict=True)]
    if not isinstance(source, str) or not templating.has_template(source):
        return source
    return _leaf(source, context, names, sent)


def _leaf(source: str, context: Mapping[str, Any], names: frozenset[str], sent: Any) -> Any:
    use: Use = use_of(source, "vars", names)
    if use == "none":
        return templating.compile_leaf(source).render(context) if sent is ABSENT else sent
    if use == "worked":
        return MASK
    try:
        return templating.compile_leaf(source).render(context)
    except RelayError:
        if sent is ABSENT:
            raise
        return MASK


def fault(source: Any, context: Mapping[str, Any], names: frozenset[str]) -> RelayError:
    """An error without secrets for inputs that could not be rendered: the error that masks give, or where to look."""
    try:
        with templating.Budget.beside():
            shown(source, context, names)
    except RelayError as error:
        return error
    paths = list(worked(source, names))
    where = ", ".join(paths[:_MAX_NAMES]) + (f" and {len(paths) - _MAX_NAMES} more" if paths[_MAX_NAMES:] else "")
    at = f" of {where}" if where else ""
    return RelayError(
        f"The template{at} failed on a value that a secret went into. Look at the secret and at what the template"
        " makes of it; more is not shown, for it could tell the secret"
    )


def worked(source: Any, names: frozenset[str], path: str = "") -> Iterator[str]:
    """The paths of the templates that do more with a secret than insert it."""
    if isinstance(source, dict):
        for key, value in source.items():
            yield from worked(value, names, f"{path}.{key}" if path else str(key))
    elif isinstance(source, list):
        for index, value in enumerate(source):
            yield from worked(value, names, f"{path}[{index}]")
    elif isinstance(source, str) and use_of(source, "vars", names) == "worked":
        yield path
