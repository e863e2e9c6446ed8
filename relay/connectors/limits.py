"""Describes the limits of fields in words, for forms and lists."""

from __future__ import annotations

from relay.connectors.definition import Field
from relay.connectors.value_kinds import bound_text


def limit_text(field: Field) -> str:
    """`up to 16,384 characters`, `from 1 to 99`, `up to 10 rows`; "" without a limit."""
    if field.max_length is not None:
        return f"up to {field.max_length:,} characters"
    if field.kind == "file" and field.max_items == 1:
        return "one file"
    if field.max_items is not None:
        return f"up to {field.max_items:,} {'rows' if field.kind == 'rows' else 'items'}"
    least = None if field.minimum is None else bound_text(field.minimum)
    most = None if field.maximum is None else bound_text(field.maximum)
    if least and most:
        return f"from {least} to {most}"
    return f"at least {least}" if least else f"at most {most}" if most else ""
