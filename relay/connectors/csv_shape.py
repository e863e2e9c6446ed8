"""Checks CSV that a flow writes as text: a value stays one field, and a whole record has as many fields as others."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import NamedTuple

from relay.connectors.piece_advice import character_name, refusal
from relay.errors import ValueRefused
from relay.templating import Piece

SEPARATORS = ",;\t|"
MAX_FIELDS = 100_000  # of a value that are checked
_quoted_text = re.compile(r'"(?:[^"]++|"")*+"?').sub


class _Part(NamedTuple):
    """A piece of a field. `is_quoted`: the template has quotes around it."""

    piece: Piece
    is_quoted: bool


@dataclass(slots=True)
class _Record:
    fields: list[list[_Part]] = field(default_factory=lambda: [[]])

    @property
    def parts(self) -> list[_Part]:
        return [part for field_ in self.fields for part in field_]

    @property
    def is_written(self) -> bool:
        """Whether the template itself writes a part of the record."""
        return len(self.fields) > 1 or any(not part.piece.source and part.piece.text.strip() for part in self.parts)

    @property
    def has_lists(self) -> bool:
        """Whether an expression may be several fields."""
        return any("csv" in part.piece.filters for part in self.parts)


def check_csv(csv_pieces: Iterable[Piece], usual: str) -> None:
    """Raises ValueRefused if a value breaks the records that the template writes.

    The separator is the one that the template's own text uses most, else `usual`. An expression that is a whole record
    may be several records, each with as many fields as a record that the template writes.
    """
    csv_pieces = list(csv_pieces)
    separator = _separator("".join(piece.text for piece in csv_pieces if not piece.source), usual)
    records = list(_records(csv_pieces, separator))
    widths = {len(record.fields) for record in records if record.is_written and not record.has_lists}
    for record in records:
        if record.is_written:
            _check_written(record, separator)
        else:
            _check_whole(record, separator, widths)


def _separator(text: str, usual: str) -> str:
    bare = _quoted_text("", text)
    return str(max(usual, *SEPARATORS, key=bare.count))


def _records(csv_pieces: Iterable[Piece], separator: str) -> Iterator[_Record]:
    parts = re.compile(rf'"|{re.escape(separator)}|\r\n?|\n|[^"\r\n{re.escape(separator)}]+').findall
    record, is_quoted = _Record(), False
    for piece in csv_pieces:
        if piece.source:
            record.fields[-1].append(_Part(piece, is_quoted))
            continue
        for text in parts(piece.text):
            is_quoted = is_quoted != (text == '"')
            if text == separator and not is_quoted:
                record.fields.append([])
            elif text[0] in "\r\n" and not is_quoted:
                yield record
                record = _Record()
            else:
                record.fields[-1].append(_Part(Piece(text), is_quoted))
    yield record


def _check_written(record: _Record, separator: str) -> None:
    for parts in record.fields:
        is_alone = sum(bool(part.piece.source or part.piece.text.strip()) for part in parts) == 1
        for part in parts:
            if part.piece.source and part.is_quoted:
                _check_quoted(part.piece)
            elif part.piece.source:
                _check_bare(part.piece, separator, is_alone=is_alone)


def _check_quoted(piece: Piece) -> None:
    if '"' in piece.text.replace('""', ""):
        raise ValueRefused(refusal(piece, "ends the quotes that are around it", "csv") + " without quotes around it")


def _check_bare(piece: Piece, separator: str, *, is_alone: bool) -> None:
    """Checks a value without the template's quotes: one field, which is quoted itself or needs no quotes."""
    fields = list(islice(_fields(piece.text, separator), 2))
    is_list = "csv" in piece.filters and is_alone
    if None not in fields and (len(fields) < 2 or is_list) and (is_alone or '"' not in piece.text):
        return
    broken = next((sign for sign in piece.text if sign in ('"', "\n", "\r", separator)), separator)
    raise ValueRefused(
        refusal(piece, f"has {character_name(broken)} in it, which a field of CSV can't hold as it is", "csv")
    )


def _check_whole(record: _Record, separator: str, widths: set[int]) -> None:
    """Checks an expression that is one or more whole records."""
    piece = next((part.piece for part in record.parts if part.piece.source), None)
    if piece is None:
        return
    text = "".join(part.piece.text for part in record.parts).strip("\r\n")
    for width in _widths(text, separator):
        if width is None:
            raise ValueRefused(refusal(piece, "has quotes in it that aren't those of CSV", "csv"))
        if widths and width not in widths:
            usual = " or ".join(map(str, sorted(widths)))
            raise ValueRefused(refusal(piece, f"has a record of {width} fields, where others have {usual}", "csv"))


def _widths(text: str, separator: str) -> Iterator[int | None]:
    """Yields the number of fields of each record of a text; None if quotes are wrong."""
    width = 0
    for end in islice(_fields(text, separator), MAX_FIELDS):
        width += 1
        if end is None:
            yield None
            return
        if end != separator:
            yield width
            width = 0


def _fields(text: str, separator: str) -> Iterator[str | None]:
    """Yields the end of each field of a text: the separator, a line break or "" at the end; None for wrong quotes."""
    match = re.compile(
        rf'(?:"(?:[^"]++|"")*+"|[^"\r\n{re.escape(separator)}]*+)({re.escape(separator)}|\r\n?|\n|\Z)'
    ).match
    index = 0
    while (end_match := match(text, index)) is not None:
        yield end_match[1]
        if not end_match[1]:
            return
        index = end_match.end()
    yield None
