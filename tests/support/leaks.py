"""Checks that no four characters of a secret are in what Relay stores or shows, in any encoding."""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Iterable, Iterator
from urllib.parse import unquote

from django.db import connection

# Of a piece that says something about a secret.
PIECE = 4
# Long random text, in which a piece of any secret can occur by chance. What a session holds is never a run's.
_RANDOM_TABLES = {"django_session"}
_ENCODED = re.compile(r"[A-Za-z0-9+/_-]{8,}")
_ESCAPED = re.compile(r"\\u([0-9a-fA-F]{4})|\\(.)")


def pieces(secret: str) -> set[str]:
    """Every piece of a secret, forwards and backwards, in small letters."""
    low = secret.lower()
    found = {low[place : place + PIECE] for place in range(len(low) - PIECE + 1)}
    return found | {piece[::-1] for piece in found}


def leaked(secret: str, texts: Iterable[tuple[str, str]]) -> list[tuple[str, str, str]]:
    """The place, the piece and what is around it, of each text (place, text) that has a piece of the secret."""
    wanted = pieces(secret)
    return [
        (place, piece, plain[max(0, plain.index(piece) - 60) : plain.index(piece) + 60])
        for place, text in texts
        for plain in readings(text)
        for piece in wanted
        if piece in plain
    ]


def readings(text: str) -> Iterator[str]:
    """A text as somebody could read it: as it is, and with what encoders did to it undone, up to three times."""
    known = {text}
    for _ in range(3):
        known |= {one for text in known for one in (unquote(text), html.unescape(text), _unescaped(text))}
    yield from {one.lower() for one in known}
    for word in _ENCODED.findall(text):
        for start in range(4):
            yield _decoded(word[start:]).lower()


def _unescaped(text: str) -> str:
    return _ESCAPED.sub(lambda match: chr(int(match[1], 16)) if match[1] else match[2], text)


def _decoded(word: str) -> str:
    plain = word.replace("-", "+").replace("_", "/")
    return base64.b64decode(plain[: len(plain) // 4 * 4]).decode("utf-8", "replace")


def rows() -> Iterator[tuple[str, str]]:
    """All that the database and the search index hold, except sealed columns and sessions: a text for each row."""
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            if table not in _RANDOM_TABLES:
                yield from _rows(table)
        if connection.vendor == "sqlite":
            cursor.execute("PRAGMA database_list")
            for schema in {row[1] for row in cursor.fetchall()} - {"main", "temp"}:
                cursor.execute(f"SELECT name FROM {schema}.sqlite_master WHERE type = 'table'")
                for (table,) in cursor.fetchall():
                    yield from _rows(f"{schema}.{table}")


def _rows(table: str) -> Iterator[tuple[str, str]]:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT * FROM {table}")
        names = [column[0] for column in cursor.description]
        for row in cursor.fetchall():
            kept = {name: _text(value) for name, value in zip(names, row, strict=True) if "sealed" not in name}
            yield table, json.dumps(kept, ensure_ascii=False)


def _text(value: object) -> str:
    return bytes(value).decode("utf-8", "replace") if isinstance(value, bytes | memoryview) else str(value)
