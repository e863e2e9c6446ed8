"""Words of a text as search keeps and finds them: parts of addresses and numbers too, in any script."""

from __future__ import annotations

import functools
import itertools
import re
import unicodedata
from collections.abc import Iterable, Iterator
from urllib.parse import urlsplit

LONGEST = 40  # characters of a word that count
LONGEST_CHUNK = 400
MOST = 1_000  # words kept of one run
MOST_WANTED = 12
_PARTS = 32  # of one chunk
_FACET = "|"
_UNFIT = re.compile(r"[^\w.:-]")

# Between chunks: space and control characters, quotes, brackets, and what JSON, CSV and sentences put between values.
_CHUNK = re.compile(r"[^\s\x00-\x20\x7f\"'`\\<>(){}\[\],;|\u3001\u3002\u2018-\u201f\u00ab\u00bb]+")
_ENDS = ".:!?-_/#&=*~"
# Where a part of a chunk starts: after punctuation, between letters and digits, at letters of scripts without spaces.
_PART = re.compile(
    r"(?<=[\W_])(?=[^\W_])|(?<=[^\W\d_])(?=\d)|(?<=\d)(?=[^\W\d_])|(?<=.)(?=[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af])"
)


def words(texts: Iterable[str]) -> list[str]:
    """The words to keep of texts, each once, MOST at most.

    `ada@example.com` is kept as itself, `example.com` and `com`; `ORD-4711` as itself and `4711`: whoever looks for
    the start of any part finds it.
    """
    found: dict[str, None] = {}
    for text in texts:
        for chunk in _chunks(text):
            found.update(dict.fromkeys(_parts(chunk)))
        if len(found) >= MOST:
            break
    return list(found)[:MOST]


def wanted(text: str) -> list[str]:
    """What a person looks for: each must start a word that is kept, MOST_WANTED at most; [] when there is nothing."""
    return list(dict.fromkeys(chunk[:LONGEST] for chunk in _chunks(text[:2_000])))[:MOST_WANTED]


def is_start(word: str) -> bool:
    """Whether a wanted word stands for all that start with it: not one or two letters, which start too many."""
    return word[0] != _FACET and (len(word) > 2 or not word.isascii())


def holds(kept: Iterable[str], looked_for: Iterable[str]) -> bool:
    """Whether the words kept of a run have every wanted one, as the index would say."""
    known = set(kept)
    return all(word in known or (is_start(word) and any(one.startswith(word) for one in known)) for word in looked_for)


def facet(kind: str, value: object) -> str:
    """A word that no text has (`|` is in none), for what a run is: `facet("state", "failed")`."""
    return f"{_FACET}{kind}={_UNFIT.sub('', _folded(str(value)))[:100]}"


def host(url: str) -> str:
    """The host of a URL; nothing for one that can't be read."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def _chunks(text: str) -> Iterator[str]:
    for match in _CHUNK.finditer(_folded(text)):
        chunk = match.group()[:LONGEST_CHUNK].strip(_ENDS)
        if chunk:
            yield chunk


@functools.lru_cache(maxsize=20_000)
def _parts(chunk: str) -> tuple[str, ...]:
    starts = [0, *(match.start() for match in itertools.islice(_PART.finditer(chunk), _PARTS))]
    return tuple(chunk[start : start + LONGEST] for start in starts)


def _folded(text: str) -> str:
    """Lower case, without accents: people leave them out."""
    if text.isascii():
        return text.lower()
    apart = unicodedata.normalize("NFKD", text.encode("utf-8", "replace").decode())
    plain = "".join(letter for letter in apart if not unicodedata.combining(letter))
    return unicodedata.normalize("NFC", plain).casefold()
