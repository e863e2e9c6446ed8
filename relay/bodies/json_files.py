"""Finds the files in JSON: base64 texts at paths that a preset or a trigger names."""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

MAX_FILES = 200
# Names of the fields beside a file's content that hold its name and its type, in lower case without separators.
_NAMES = ("name", "filename", "originalname", "originalfilename", "attachmentname", "title")
_TYPES = ("contenttype", "mimetype", "mime", "mediatype", "filetype", "type")
_SEPARATORS = re.compile(r"[-_ ]")
# The possessive *+ keeps the time linear: blanks are in both classes.
_is_base64 = re.compile(r"[A-Za-z0-9+/\r\n\t _-]*+={0,2}\s*").fullmatch
_BLANK = str.maketrans("-_", "+/", " \t\r\n")
_DATA_URL = re.compile(r"data:([^;,]{0,100})(?:;[^;,]{0,100})*;base64,")


class Base64File(NamedTuple):
    """One file. `path` is that of its field; `content` its base64 without a data URL's head; `key` is in `holder`."""

    path: str
    name: str
    media_type: str
    content: str
    holder: dict[str, Any]
    key: str

    @property
    def size(self) -> int:
        """The number of its bytes."""
        return size_of(self.content)


def files_in(value: Any, paths: Sequence[str]) -> Iterator[Base64File]:
    """Yield the files at `paths`, such as `Attachments.Content`, which also goes through lists. Others are ignored."""
    found = 0
    for path in paths:
        for holder, key in _holders(value, path.split(".")):
            content = holder.get(key)
            if not isinstance(content, str) or not content:
                continue
            head = _DATA_URL.match(content[:400])
            text = content[head.end() :] if head else content
            if not is_base64(text):
                continue
            found += 1
            if found > MAX_FILES:
                return
            kind = _beside(holder, _TYPES) or (head[1] if head else "")
            yield Base64File(path, _beside(holder, _NAMES), kind, text, holder, key)


def is_base64(text: str) -> bool:
    """Return whether a text is base64, also with line breaks or in the alphabet of URLs."""
    if _is_base64(text) is None:
        return False
    letters = len(text.translate(_BLANK).rstrip("="))
    return letters > 0 and letters % 4 != 1


def size_of(text: str) -> int:
    """Return how many bytes a base64 text stands for."""
    return len(text.translate(_BLANK).rstrip("=")) * 3 // 4


def decoded(text: str) -> bytes:
    """Return the bytes of a text for which `is_base64` is true."""
    letters = text.translate(_BLANK).rstrip("=")
    return binascii.a2b_base64(letters + "=" * (-len(letters) % 4))


def _holders(value: Any, keys: Sequence[str]) -> Iterator[tuple[dict[str, Any], str]]:
    """Yield the objects that may have the last of `keys`."""
    if isinstance(value, list):
        for item in value:
            yield from _holders(item, keys)
    elif isinstance(value, dict):
        if len(keys) == 1:
            yield value, keys[0]
        else:
            yield from _holders(value.get(keys[0]), keys[1:])


def _beside(holder: Mapping[str, Any], names: Sequence[str]) -> str:
    """Return the first text in `holder` whose key is one of `names`."""
    by_name = {_SEPARATORS.sub("", str(key)).lower(): value for key, value in holder.items()}
    return next((by_name[name] for name in names if isinstance(by_name.get(name), str) and by_name[name]), "")
