"""Checks forms and CSV that a flow writes as text: a template's value must not change their fields."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import msgspec

from relay.connectors import syntax_checks
from relay.connectors.csv_shape import check_csv
from relay.connectors.piece_advice import character_name, refusal
from relay.errors import RelayError, ValueRefused
from relay.masking import MASK, STAND_IN
from relay.templating import Budget, Context, Piece, compile_leaf, has_template, pieces

_FORM_FILTERS = frozenset({"urlencode", "url_encode", "urlencode_path", "query_string"})
# Characters that end a field, that readers decode, or that readers treat differently.
_breaks_field = re.compile(r"[&+%;\x00-\x1f\x7f]|[^\x00-\x7f]").search
_breaks_name = re.compile(r"[=&+%;\x00-\x1f\x7f]|[^\x00-\x7f]").search


def check_body(source: Any, inputs: Any, context: Context) -> None:
    """Raises ValueRefused, with the expression, if a value breaks a body of the type form or CSV.

    `source`: a step's unrendered inputs; `inputs`: the rendered ones. `context`: that of its templates, with a mask in
    place of each secret, which is not checked. A body that is one expression is not checked either.
    """
    body = source.get("body") if isinstance(source, dict) else None
    text = body.get("text") if isinstance(body, dict) else None
    check = _CHECKS.get(_type(inputs)) if isinstance(text, str) else None
    if check is None:
        return
    body_pieces = _pieces(str(text), context)
    if body_pieces is not None:
        check([_without_masks(piece) for piece in body_pieces])


def check_answer(answer: Any, rendered: Any, context: Context) -> None:
    """Like `check_body`, for the `headers` and `body` of an answer, which may also be JSON, NDJSON or XML.

    A body without templates, or one that is one expression, is not checked.
    """
    written, text = (part.get("body") if isinstance(part, dict) else None for part in (answer, rendered))
    if not isinstance(written, str) or not isinstance(text, str):
        return
    if not has_template(written) or compile_leaf(written).lone:
        return
    sent = {"headers": rendered.get("headers"), "body": {"text": text}}
    syntax_checks.check(text, _type(sent))
    check_body({"body": {"text": written}}, sent, context)


def _type(inputs: Any) -> str:
    """The media type of the body, from a header or its `type`."""
    if not isinstance(inputs, dict) or not isinstance(inputs.get("body"), dict):
        return ""
    headers = _headers(inputs.get("headers"))
    from_header = next((str(value) for name, value in headers.items() if name.lower() == "content-type" and value), "")
    return (from_header or str(inputs["body"].get("type") or "")).partition(";")[0].strip().lower()


def _headers(value: Any) -> dict[str, Any]:
    if isinstance(value, str) and value:
        try:
            value = msgspec.json.decode(value)
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            return {}
    return value if isinstance(value, dict) else {}


def _pieces(text: str, context: Context) -> list[Piece] | None:
    try:
        with Budget.beside():
            return pieces(text, context)
    except RelayError:
        return None  # masks can't replace these secrets; any other failure was raised before


def _without_masks(piece: Piece) -> Piece:
    if MASK not in piece.text and STAND_IN not in piece.text:
        return piece
    return piece._replace(text=piece.text.replace(MASK, "x").replace(STAND_IN, "x"))


def _check_form(form_pieces: Iterable[Piece]) -> None:
    for field in _fields(form_pieces):
        # An expression with no text beside it is one or more whole fields, which are not checked.
        if any(not piece.source and piece.text.strip() for piece in field):
            _check_field(field)


def _fields(form_pieces: Iterable[Piece]) -> Iterator[list[Piece]]:
    field: list[Piece] = []
    for piece in form_pieces:
        if piece.source:
            field.append(piece)
            continue
        first, *rest = piece.text.split("&")
        field.append(Piece(first))
        for part in rest:
            yield field
            field = [Piece(part)]
    yield field


def _check_field(field: Sequence[Piece]) -> None:
    is_name = True
    for piece in field:
        if not piece.source:
            is_name = is_name and "=" not in piece.text
        elif not piece.filters & _FORM_FILTERS:
            match = (_breaks_name if is_name else _breaks_field)(piece.text)
            if match:
                reason = f"has {character_name(match[0])} in it, which a form can't hold as it is"
                raise ValueRefused(refusal(piece, reason, "urlencode"))


_CHECKS: dict[str, Callable[[Iterable[Piece]], None]] = {
    "application/x-www-form-urlencoded": _check_form,
    "text/csv": lambda csv_pieces: check_csv(csv_pieces, ","),
    "application/csv": lambda csv_pieces: check_csv(csv_pieces, ","),
    "text/tab-separated-values": lambda csv_pieces: check_csv(csv_pieces, "\t"),
}
