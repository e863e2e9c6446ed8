"""Masks secrets in the answers of services, where they are stored and shown.

A service may repeat what it was sent, in any form, so its answers are searched for every secret of the walk.
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec.structs import replace

from relay import masking, redaction
from relay.bodies import numerals
from relay.engine.walk.work_item import Outcome
from relay.errors import RelayError
from relay.outbound import Answer

# A secret, or a text derived from one, with at least this many characters can only be in an answer as a repetition, so
# later steps see a mask in its place. A shorter one may be part of any word or number, so they see what was sent.
CERTAIN = 8


class MaskedAnswer(msgspec.Struct, frozen=True):
    """An answer. `secrets`: texts that may not be stored; `echoed`: those of them that the answer contains.

    `certain`: those that are masked for later steps too.
    """

    answer: Answer
    secrets: tuple[str, ...] = ()
    echoed: frozenset[str] = frozenset()
    certain: tuple[str, ...] = ()

    def hide(self, text: str) -> str:
        """A text of the answer, with its secrets masked."""
        return masking.mask(text, self.secrets)

    def said(self, error: RelayError) -> str:
        """The error of a template that used the answer; hidden if it may contain a transformed secret."""
        return "a template failed on an answer that repeats a secret" if self.echoed else str(error)

    def outputs(self, outputs: dict[str, Any]) -> dict[str, Any]:
        """The outputs of the step as later steps see them."""
        hidden: dict[str, Any] = masking.masked(outputs, self.certain) if self.certain else outputs
        return hidden

    def record(self) -> str:
        """The answer as JSON that may be stored."""
        return msgspec.json.encode(redaction.answer_record(self.answer, self.secrets)).decode()


def mask_answer(answer: Answer, outcome: Outcome) -> MaskedAnswer:
    """Find the secrets that an answer repeats, and record them in the outcome."""
    if not outcome.secrets:
        return MaskedAnswer(answer)
    masked = masked_answer(answer, tuple(sorted(outcome.secrets | outcome.made)))
    outcome.echoed.update(masked.echoed)
    return masked


def masked_answer(answer: Answer, secrets: tuple[str, ...]) -> MaskedAnswer:
    """Find which of these secrets an answer repeats."""
    answer = _whole(_legible(answer, secrets), secrets)
    echoed = masking.found_in(_texts(answer), secrets)
    certain = tuple(text for text in echoed if len(text) >= CERTAIN)
    return MaskedAnswer(answer, secrets, frozenset(echoed), certain)


def _texts(answer: Answer) -> list[str]:
    return [answer.body.decode("utf-8", "replace"), *answer.headers.values(), *answer.headers]


def _legible(answer: Answer, secrets: tuple[str, ...]) -> Answer:
    """The answer, with needless JSON escapes removed if they hide a secret."""
    if b"\\u" not in answer.body:
        return answer
    try:
        value = numerals.decode(answer.body)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return answer
    plain = masking.masked_json(value, ())
    return replace(answer, body=plain.encode()) if masking.found_in([plain], secrets) else answer


def _whole(answer: Answer, secrets: tuple[str, ...]) -> Answer:
    """The answer; a truncated one without its end, which may be the first half of a secret."""
    size = masking.longest(secrets) if answer.truncated else 0
    return replace(answer, body=answer.body[:-size]) if size else answer
