"""Checks the size of all templates of a document together, because each check compiles them all."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from relay import templating
from relay.errors import Fault

MAX_WORDS = 20_000
MAX_TEMPLATES = 5_000


def faults(value: Any) -> Iterator[Fault]:
    """Yields the limit that a document's plain values exceed, without compiling a template."""
    left = MAX_WORDS
    for number, text in enumerate(_templates(value), 1):
        if number > MAX_TEMPLATES:
            yield Fault("", f"the flow has more than {MAX_TEMPLATES:,} templates (limit: templates of a flow)")
            return
        left -= templating.words(text, left + 1)
        if left < 0:
            yield Fault(
                "",
                f"the templates of the flow have more than {MAX_WORDS:,} words and signs in {{}} together: "
                "make two flows of it (limit: words of a flow)",
            )
            return


def _templates(value: Any) -> Iterator[str]:
    """Yields the texts in a JSON value that contain a template."""
    stack = [value]
    while stack:
        item = stack.pop()
        if isinstance(item, dict | list):
            stack.extend(item.values() if isinstance(item, dict) else item)
        elif isinstance(item, str) and templating.has_template(item):
            yield item
