"""Makes names and media types of files safe: senders and services choose them."""

from __future__ import annotations

import re
import unicodedata

MAX_NAME = 200  # characters
MAX_TYPE = 100
UNNAMED = "file"
OCTETS = "application/octet-stream"

# Control characters, halves of surrogate pairs, and marks that reverse text, so that `exe.pdf` may be `fdp.exe`.
_UNSAFE = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\uffff\ud800-\udfff]"
)
_SEPARATORS = re.compile(r"[/\\]")
_is_type = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,62}/[a-z0-9][a-z0-9!#$&^_.+-]{0,62}").fullmatch


def safe_name(name: str | None) -> str:
    """Return the last part of a file's path, without characters that hide or change it; `file` if nothing is left."""
    last = _SEPARATORS.split(_UNSAFE.sub("", (name or "")[:4096]).strip())[-1]
    text = unicodedata.normalize("NFC", last).strip(" .")
    if len(text) <= MAX_NAME:
        return text or UNNAMED
    stem, dot, ending = text.rpartition(".")
    if not dot or len(ending) > 16:
        return text[:MAX_NAME]
    return stem[: MAX_NAME - len(ending) - 1] + dot + ending


def safe_type(media_type: str | None) -> str:
    """Return a media type without parameters, in lower case; application/octet-stream for anything else."""
    text = (media_type or "").partition(";")[0].strip().lower()
    return text if _is_type(text) else OCTETS
