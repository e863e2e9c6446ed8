"""Finds the CORS headers that a flow allows, for preflights that are answered before any step runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

from relay import templating
from relay.flows import nesting
from relay.flows.document import trigger_settings

CorsHeaders: TypeAlias = dict[str, str]

ORIGIN = "access-control-allow-origin"
NOTE = (
    "Browsers ask before they send JSON (a CORS preflight), and no step has run then: write "
    "Access-Control-Allow-Origin without a template, or put it into the trigger's answer."
)


def allowed_origins(document: Mapping[str, Any]) -> tuple[CorsHeaders, ...]:
    """The CORS headers for each origin that a flow allows, with names in lower case and without templates.

    They are those of the trigger's answer if it names an origin, else those of the respond steps. Of several steps
    with the same origin, the first one counts. `document` may be an incomplete draft.
    """
    trigger_headers = _static_headers(trigger_settings(dict(document)).response.headers)
    if ORIGIN in trigger_headers:
        return (trigger_headers,)
    by_origin: dict[str, CorsHeaders] = {}
    for headers in map(_static_headers, _respond_headers(document)):
        if ORIGIN in headers:
            by_origin.setdefault(headers[ORIGIN], headers)
    return tuple(by_origin.values())


def has_templated_origins_only(document: Mapping[str, Any]) -> bool:
    """Whether a flow allows origins by templates only, so that preflights cannot be answered."""
    named = any(ORIGIN in map(str.lower, headers) for headers in _respond_headers(document))
    return named and not allowed_origins(document)


def headers_for(leaves: tuple[CorsHeaders, ...], origin: str) -> CorsHeaders:
    """The headers for the origin of a request; {} if the flow allows several other origins."""
    if len(leaves) == 1:
        return leaves[0]
    matching = [headers for headers in leaves if headers[ORIGIN] in (origin, "*")]
    return {"vary": "Origin", **matching[0]} if matching else {}


def _respond_headers(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    values = (step.get("headers") for step in nesting.enabled(document) if step.get("kind") == "respond")
    return [value for value in values if isinstance(value, dict)]


def _static_headers(headers: Mapping[str, Any]) -> CorsHeaders:
    pairs = ((name.lower(), value) for name, value in headers.items() if isinstance(value, str))
    return {name: value for name, value in pairs if _is_cors(name) and not templating.has_template(value)}


def _is_cors(name: str) -> bool:
    return name == "vary" or name.startswith("access-control-")
