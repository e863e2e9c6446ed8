"""Checks that text with a type of JSON, NDJSON or XML, which templates may have joined, can be parsed as such."""

from __future__ import annotations

from xml.parsers.expat import ExpatError, ParserCreate

import msgspec

from relay.errors import ValueRefused
from relay.masking import has_stand_in

MAX_LINES = 100_000  # of NDJSON
_NDJSON = frozenset({"application/x-ndjson", "application/ndjson", "application/jsonl", "application/json-lines"})
_ESCAPE_JSON = "write values as {{ value | tojson }}, without quotes around them, or use a JSON body"
_ESCAPE_XML = "write values as {{ value | escape }}"


def check(text: str, media_type: str) -> None:
    """Raises ValueRefused if `text` isn't what its media type says. Text with a secret is not checked."""
    kind = media_type.partition(";")[0].strip().lower()
    if not text or has_stand_in(text):
        return
    if kind.endswith(("/json", "+json")):
        _check_json(text, 1)
    elif kind in _NDJSON:
        for number, line in enumerate(text.split("\n", MAX_LINES)[:MAX_LINES], 1):
            if line.strip():
                _check_json(line, number)
    elif kind.endswith(("/xml", "+xml")):
        _check_xml(text)


def _check_json(text: str, first: int) -> None:
    try:
        msgspec.json.decode(text)
    except RecursionError:
        raise ValueRefused("The body is JSON that is nested too deeply") from None
    except UnicodeEncodeError:
        return  # a lone surrogate is reported when the text is encoded
    except msgspec.DecodeError as error:
        byte, reason = _byte_and_reason(str(error))
        line = first + text.encode()[:byte].count(b"\n") if byte is not None else first
        raise ValueRefused(f"The body isn't valid JSON: line {line}: {reason}; {_ESCAPE_JSON}") from None


def _byte_and_reason(message: str) -> tuple[int | None, str]:
    """The byte in an error message of msgspec, and the reason."""
    reason, _, rest = message.removeprefix("JSON is malformed: ").partition(" (byte ")
    if reason == "Input data was truncated":
        return None, "it ends too early"
    number = rest.rstrip(")")
    return (int(number) if number.isdecimal() else None), reason


def _check_xml(text: str) -> None:
    parser = ParserCreate("utf-8")  # the text is decoded, so its declaration doesn't count
    parser.EntityDeclHandler = _refuse_entities
    try:
        parser.Parse(text.encode("utf-8", "replace"), True)
    except ExpatError as error:
        reason = str(error).partition(":")[0]
        raise ValueRefused(f"The body isn't well-formed XML: line {error.lineno}: {reason}; {_ESCAPE_XML}") from None


def _refuse_entities(*_: object) -> None:
    raise ValueRefused("The body is XML that declares entities, which let a small document grow without end")
