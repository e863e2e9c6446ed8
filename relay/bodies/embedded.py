"""Parses JSON and XML documents in the fields of a form, plain or in base64."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from relay.bodies import json_size
from relay.errors import PayloadError

ReadJson = Callable[[bytes], Any]
ReadXml = Callable[[bytes, str], Any]


def parse_fields(form: dict[str, Any], names: str, json: ReadJson, xml: ReadXml) -> Any:
    """Return the form with some fields parsed as documents; if the form has only one such field, the document alone.

    `names` are the fields, separated by commas. `json` and `xml` parse a document, XML with a charset, and raise
    PayloadError if it is invalid. A field that holds neither, or is empty or repeated, stays as it is; all of them do
    if they hold more than 100,000 lists and objects.
    """
    values = ((name, form.get(name)) for name in names.split(","))
    texts = {name: value.encode("utf-8", "replace") for name, value in values if value and isinstance(value, str)}
    if sum(map(json_size.containers, texts.values())) > json_size.MAX_CONTAINERS:
        return form
    documents: dict[str, Any] = {}
    for name, text in texts.items():
        with suppress(PayloadError):
            documents[name] = _document(text, json, xml)
    return documents.popitem()[1] if documents and len(form) == 1 else {**form, **documents}


def _document(text: bytes, json: ReadJson, xml: ReadXml) -> Any:
    if text.lstrip().startswith(b"<"):
        return xml(text, "utf-8")
    decoded = _decode_base64(text)
    return xml(decoded, "") if decoded.lstrip().startswith(b"<") else json(text)


def _decode_base64(text: bytes) -> bytes:
    """Decode base64; empty for other text."""
    try:
        return b64decode(b"".join(text.split()), validate=True)
    except ValueError:
        return b""
