"""Splits texts into the words that search stores and finds: also parts of addresses and numbers, in any script."""

from __future__ import annotations

import functools
import itertools
import re
import unicodedata
from collections.abc import Iterable, Iterator
from urllib.parse import urlsplit

MAX_WORD = 40  # characters of a word that are stored
MAX_CHUNK = 4_000  # characters of a text without spaces, such as a URL
GRAM = 12  # characters that are stored from each letter of a script without spaces
MAX_WORDS = 1_000  # of one run
MAX_WANTED = 12
VERSION = 2  # of this module's rules: a new version indexes all runs again
_MAX_TURNS = 32  # between letters and digits in one chunk: random characters have many
_MAX_CACHED = 80  # characters of a chunk whose parts are cached
_FACET = "|"
_UNFIT = re.compile(r"[^\w.:-]")

# Between chunks: space and control characters, quotes, brackets, and what JSON, CSV and sentences put between values.
_CHUNK = re.compile(r"[^\s\x00-\x20\x7f\"'`\\<>(){}\[\],;|\u3001\u3002\u2018-\u201f\u00ab\u00bb]+")
_ENDS = ".:!?-_/#&=*~"
# Letters of scripts without spaces: Thai, Lao, Tibetan, Burmese, Khmer, Tai, Balinese, Javanese, kana, Yi, Han, hangul.
_UNSPACED = (
    "\u0e00-\u0fff\u1000-\u109f\u1780-\u17ff\u1950-\u19df\u1a20-\u1aaf\u1b00-\u1b7f\u3040-\u312f\u31f0-\u31ff"
    "\u3400-\u9fff\ua000-\ua4cf\ua980-\ua9ff\uaa60-\uaadf\uac00-\ud7af\uf900-\ufaff\U00020000-\U000323af"
)
_is_unspaced = re.compile(f"[{_UNSPACED}]").match
_has_unspaced = re.compile(f"[{_UNSPACED}]").search
# Where a part of a chunk starts: after punctuation, and at letters of scripts without spaces...
_BORDER = re.compile(rf"(?<=[\W_])(?=[^\W_])|(?<=.)(?=\w)(?=[{_UNSPACED}])")
# ...and between letters and digits.
_TURN = re.compile(r"(?<=[^\W\d_])(?=\d)|(?<=\d)(?=[^\W\d_])")
# Invisible marks: zero-width spaces and joiners, soft hyphens, directions, byte order marks.
_INVISIBLE = frozenset("\u00ad\u200b\u200c\u200d\u200e\u200f\u2060\ufeff")


def words(texts: Iterable[str]) -> list[str]:
    """Return the words to store of texts, each once, up to MAX_WORDS.

    `ada@example.com` is stored as itself, `example.com` and `com`; `ORD-4711` as itself and `4711`: a search for the
    start of any part finds it. In a script without spaces, each letter starts a word of GRAM letters.
    """
    kept: dict[str, None] = {}
    for text in texts:
        for chunk in _chunks(text):
            kept.update(dict.fromkeys(_parts(chunk)))
        if len(kept) >= MAX_WORDS:
            break
    return list(kept)[:MAX_WORDS]


def wanted(text: str) -> list[str]:
    """Return the words of a search text, up to MAX_WANTED: each must start a stored word."""
    pieces = (piece for chunk in _chunks(text[:2_000]) for piece in _pieces(chunk))
    return list(dict.fromkeys(itertools.islice(pieces, 10 * MAX_WANTED)))[:MAX_WANTED]


def _pieces(chunk: str) -> Iterator[str]:
    """Yield the start of a chunk, as long as stored words are; in a script without spaces also the pieces after it."""
    piece = _word(chunk, 0)
    yield piece
    end = len(piece)
    for border in _BORDER.finditer(chunk) if _has_unspaced(chunk) else ():
        if border.start() >= end:
            piece = _word(chunk, border.start())
            yield piece
            end = border.start() + len(piece)


def is_start(word: str) -> bool:
    """Return whether a word matches all words that start with it: not one or two letters, which match too many."""
    return word[0] != _FACET and (len(word) > 2 or not word.isascii())


def holds(kept: Iterable[str], searched: Iterable[str]) -> bool:
    """Return whether the words of a run match every searched word, as in the index."""
    stored = set(kept)
    return all(
        word in stored or (is_start(word) and any(other.startswith(word) for other in stored)) for word in searched
    )


def facet(kind: str, value: object) -> str:
    """Return a word for a property of a run, which no text contains because of its `|`: `facet("state", "failed")`."""
    return f"{_FACET}{kind}={_UNFIT.sub('', _folded(str(value)))[:100]}"


def host(url: str) -> str:
    """Return the host of a URL; "" for an invalid URL."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def _chunks(text: str) -> Iterator[str]:
    for match in _CHUNK.finditer(_folded(text)):
        chunk = match.group()[:MAX_CHUNK].strip(_ENDS)
        if chunk:
            yield chunk


def _parts(chunk: str) -> tuple[str, ...]:
    return _split(chunk) if len(chunk) <= _MAX_CACHED else _split.__wrapped__(chunk)


@functools.lru_cache(maxsize=20_000)
def _split(chunk: str) -> tuple[str, ...]:
    turns = itertools.islice(_TURN.finditer(chunk), _MAX_TURNS)
    starts = sorted({0, *(match.start() for match in itertools.chain(_BORDER.finditer(chunk), turns))})
    return tuple(_word(chunk, start) for start in starts)


def _word(chunk: str, start: int) -> str:
    """Return the word that is stored of a chunk from an index on."""
    return chunk[start : start + (GRAM if _is_unspaced(chunk, start) else MAX_WORD)]


def _folded(text: str) -> str:
    """Return lower case without accents, which people often leave out."""
    if text.isascii():
        return text.lower()
    apart = unicodedata.normalize("NFKD", text.encode("utf-8", "replace").decode())
    plain = "".join(letter for letter in apart if not unicodedata.combining(letter) and letter not in _INVISIBLE)
    return unicodedata.normalize("NFC", plain).casefold()
