"""Tests that documents with too many templates are refused before one is compiled."""

from __future__ import annotations

from typing import Any

import pytest

from relay.errors import DocumentFaults
from relay.flows.checks import size_limits
from relay.flows.checks.validation import parse_document
from relay.templating import compile_leaf
from relay.templating.faults import MAX_TOKENS

# `{{ [1, 1, ...] }}`: as many words and signs as one template may have.
FULL = "{{ [" + ",".join(["1"] * ((MAX_TOKENS - 3) // 2)) + "] }}"
WORDS = MAX_TOKENS - 1


def flow(*texts: str) -> dict[str, Any]:
    values = {f"v{number}": text for number, text in enumerate(texts)}
    step = {"id": "s", "kind": "set", "values": values}
    return {"relay": 1, "name": "F", "trigger": {"kind": "webhook"}, "steps": [step]}


def compiled() -> int:
    return compile_leaf.cache_info().misses


@pytest.mark.parametrize(
    ("texts", "limit"),
    [
        ([FULL.replace("1", str(number), 1) for number in range(100)], "words of a flow"),
        ([FULL] * 100, "words of a flow"),
        ([f"{{{{ {'x ' * 500}" for _ in range(100)], "words of a flow"),
        ([f"{{{{ {number} }}}}" for number in range(size_limits.MAX_TEMPLATES + 1)], "templates of a flow"),
    ],
    ids=["full fields", "the same field", "broken fields", "many fields"],
)
def test_what_is_too_much_together_is_not_compiled(texts: list[str], limit: str) -> None:
    before = compiled()

    with pytest.raises(DocumentFaults, match=rf"\(limit: {limit}\)") as error:
        parse_document(flow(*texts))

    assert len(error.value.faults) == 1
    assert compiled() == before


def test_what_is_just_enough_is_taken() -> None:
    texts = [FULL.replace("1", str(number), 1) for number in range(size_limits.MAX_WORDS // WORDS)]
    rest = size_limits.MAX_WORDS - WORDS * len(texts)

    parse_document(flow(*texts, f"{{{{ [{','.join(['1'] * ((rest - 3) // 2))}] }}}}"))


def test_it_counts_wherever_texts_stand() -> None:
    document = flow()
    document["steps"] = [
        {"id": f"s{number}", "kind": "filter", "when": {"left": FULL, "op": "is_set"}} for number in range(11)
    ]

    with pytest.raises(DocumentFaults, match="words of a flow"):
        parse_document(document)
