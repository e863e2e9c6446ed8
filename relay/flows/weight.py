"""The weight of a document: what all its templates together may have, since each is compiled when it is checked."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from relay import templating
from relay.errors import Fault

MOST_WORDS = 20_000
MOST_TEMPLATES = 5_000


def faults(value: Any) -> Iterator[Fault]:
    """The limit that a document's plain values are past; nothing is compiled for it."""
    left = MOST_WORDS
    for number, text in enumerate(_templates(value), 1):
        if number > MOST_TEMPLATES:
            yield Fault("", f"the flow has more than {MOST_TEMPLATES:,} templates (limit: templates of a flow)")
            return
        left -= templating.words(text, left + 1)
        if left < 0:
            yield Fault(
                "",
                f"the templates of the flow have more than {MOST_WORDS:,} words and signs in {{}} together: "
                "make two flows of it (limit: words of a flow)",
            )
            return


def _templates(value: Any) -> Iterator[str]:
    """The texts in a JSON value that have a template in them."""
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict | list):
            waiting.extend(one.values() if isinstance(one, dict) else one)
        elif isinstance(one, str) and templating.has_template(one):
            yield one
