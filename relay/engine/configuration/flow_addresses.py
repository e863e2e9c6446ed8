"""Masks the addresses of flows in what viewers see, because anyone who knows an address can start its flow."""

from __future__ import annotations

import re
from collections.abc import Iterator

from relay.masking import MASK
from relay.models import Trigger
from relay.models.flows import TOKEN_LENGTH, digest

BATCH_TOKENS = 500  # in one query
# A token, with what encoders may put directly before it: %2F and \u002f consist of letters and digits, too.
_CANDIDATE = re.compile(rb"(?<![A-Za-z0-9_-])[A-Za-z0-9_-]{%d,%d}(?![A-Za-z0-9_-])" % (TOKEN_LENGTH, TOKEN_LENGTH + 8))


def mask_tokens(text: bytes) -> bytes:
    """Replace the token of any flow's URL by a mask, wherever it is in the text and whatever surrounds it."""
    words = dict.fromkeys(match.group() for match in _CANDIDATE.finditer(text))
    parts = {digest(part.decode()): part for word in words for part in _parts(word)}
    for token in _known(parts):
        text = text.replace(token, MASK.encode())
    return text


def _parts(word: bytes) -> Iterator[bytes]:
    for start in range(len(word) - TOKEN_LENGTH + 1):
        yield word[start : start + TOKEN_LENGTH]


def _known(parts: dict[str, bytes]) -> Iterator[bytes]:
    """The parts that are tokens. Makes no query if there are no candidates."""
    digests = list(parts)
    for start in range(0, len(digests), BATCH_TOKENS):
        triggers = Trigger.objects.filter(token_digest__in=digests[start : start + BATCH_TOKENS])
        yield from (parts[known] for known in triggers.values_list("token_digest", flat=True))
