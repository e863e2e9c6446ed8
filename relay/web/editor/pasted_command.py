"""Fills an HTTP step from a cURL command that somebody pastes into its form."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from django.http import QueryDict

from relay.connectors import registry
from relay.connectors.curl import CurlRequest, read_command
from relay.errors import RelayError
from relay.web.ui import form_data, form_rows

FIELD = "curl"  # the name of the posted text


@dataclass(frozen=True, slots=True)
class PastedCommand:
    """What became of a pasted command: the request that it is, or an error and the text to correct.

    The text may hold secrets, so it is neither stored nor part of a message.
    """

    request: CurlRequest = field(default_factory=CurlRequest)
    text: str = ""
    error: str = ""

    @property
    def taken(self) -> str:
        return ", ".join(self.request.taken)


def accepts(step: dict[str, Any] | None) -> bool:
    """Return whether a step's action sends any request: its method, URL, headers and body are inputs."""
    known = registry.known((step or {}).get("action"))
    if known is None:
        return False
    action = known[1]
    return bool(action.headers_input and action.body_input and action.input("method") and action.input("url"))


def read(data: QueryDict) -> PastedCommand:
    """Read the posted command."""
    try:
        request = read_command(_text(data))
    except RelayError as error:
        return failed(data, str(error))
    # The form shows JSON on many lines, and braces escaped. A save would cut what is longer than its field.
    if any(
        len(form_rows.value_text(part)) > form_data.FIELD_LENGTH for part in request.inputs.get("body", {}).values()
    ):
        return failed(data, "The body is too long for the form. Import the flow as JSON or YAML instead.")
    return PastedCommand(request)


def failed(data: QueryDict, error: str) -> PastedCommand:
    """Return the posted text with the error."""
    return PastedCommand(text=_text(data), error=error)


def _text(data: QueryDict) -> str:
    return form_data.clean(data.get(FIELD) or "")
