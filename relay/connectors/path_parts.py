"""Refuses values that make a part of a URL's path `.` or `..`, which servers resolve to another address."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any
from unicodedata import normalize
from urllib.parse import unquote

from relay.connectors.definition import Action
from relay.errors import ValueRefused
from relay.templating import has_template

# Proxies and servers decode a path once each.
_MAX_DECODINGS = 4
_is_input = re.compile(r"\{\{ inputs\.(\w+) \}\}").fullmatch
_before_path = re.compile(r"(?:[A-Za-z][A-Za-z0-9+.-]*:)?(?://)?[^/?#]*").match
_joins = re.compile(r"[/\\]").split
_REFUSED = (
    "The path of the URL has a part that is “{}”, which leads to another address: a value in the URL is only dots. "
    "Let a filter end the run before this step, or use another value"
)


def check_written(action: Action, source: Mapping[str, Any], inputs: Mapping[str, Any]) -> None:
    """Raises ValueRefused if a template in `source`, the step's unrendered inputs, made a dot part of the URL.

    Dots in a URL without templates are the author's own, and are resolved.
    """
    field = _input_of(action.url)
    written = source.get(field) if field else None
    if isinstance(written, str) and has_template(written):
        check(inputs.get(field))


def check_own(action: Action, url: Any) -> None:
    """Raises ValueRefused if the action's own templates made a dot part of `url`."""
    if has_template(action.url) and not _input_of(action.url):
        check(url)


@lru_cache(maxsize=1024)
def _input_of(url: str) -> str:
    """The key of the input that is the whole URL of an action, or ""."""
    match = _is_input(url)
    return match[1] if match else ""


def check(url: Any) -> None:
    """Raises ValueRefused if a part of the path of `url` is `.` or `..` in any encoding."""
    if not isinstance(url, str) or ("." not in url and "%" not in url and url.isascii()):
        return
    start = _before_path(url)
    path = re.split(r"[?#]", url[start.end() if start else 0 :], maxsplit=1)[0]
    for part in path.split("/"):
        if dots := _dots(part):
            raise ValueRefused(_REFUSED.format(dots))


def _dots(part: str) -> str:
    """The dots to which a path part is decoded; "" if it contains anything else."""
    for _ in range(_MAX_DECODINGS):
        part = unquote(part)
    bare = part.partition(";")[0] if ";" in part else part
    pieces = {normalize("NFKC", piece).strip(" \t\r\n\0") for piece in _joins(bare)} - {""}
    return max(pieces) if pieces and pieces <= {".", ".."} else ""
