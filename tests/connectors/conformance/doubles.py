"""A double of a service: an HTTP server that refuses what the description of the service refuses."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from msgspec.structs import replace
from werkzeug import Request as Received
from werkzeug import Response

from relay.connectors.conformance import samples
from relay.connectors.definition import Action, Connector
from relay.outbound import Request
from tests.connectors.conformance import descriptions
from tests.connectors.conformance.descriptions import FORM, Operation


@dataclass
class Double:
    """Answers the requests of one action as its service does. `refused`: why it refused requests."""

    connector: Connector
    action: Action
    origin: str
    accepted: list[Request] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)

    def answer(self, received: Received) -> Response:
        request = self._request(received)
        operation = descriptions.operation_of(self.connector, request)
        faults = [f"nothing is at {received.path}"] if operation is None else []
        if operation is not None:
            faults = descriptions.faults(self.connector, request, operation)
        if faults:
            self.refused += faults
            answer = samples.error_answer(self.action, 404 if operation is None else 422, "; ".join(faults))
        else:
            self.accepted.append(request)
            answer = samples.answer_of(self.action)
        return Response(answer.body, answer.status, answer.headers)

    def _request(self, received: Received) -> Request:
        """The request as it would have come to the service itself."""
        query = received.query_string.decode()
        path = received.environ["RAW_URI"].partition("?")[0] if "RAW_URI" in received.environ else received.path
        url = f"{self.origin}{path}{f'?{query}' if query else ''}"
        return Request(received.method, url, dict(received.headers), received.get_data() or None)


def broken(request: Request, operation: Operation) -> Iterator[tuple[str, Request]]:
    """Yields what is wrong, and a request with that: what a double must refuse before it is believed."""
    mark = "&" if urlsplit(request.url).query else "?"
    yield "a parameter that does not exist", replace(request, url=f"{request.url}{mark}surprise=1")
    if _asks_for_credentials(operation):
        yield "no credential", _without_credentials(request, operation)
    kind = next((value for name, value in request.headers.items() if name.lower() == "content-type"), "")
    if not request.body or "requestBody" not in operation.own:
        return
    if kind.startswith(descriptions.MULTIPART):
        for name in _required(operation, descriptions.MULTIPART):
            other = request.body.replace(f'name="{name}"'.encode(), b'name="surprise"')
            yield f"no {name}", replace(request, body=other)
        return
    if kind.startswith("application/json"):
        yield "a body of the wrong type", replace(request, body=b'"surprise"')
        required = _required(operation, "application/json")
    else:
        required = _required(operation, FORM)
    for name in required:
        yield f"no {name}", replace(request, body=_without(request.body, name, is_form=not kind.endswith("json")))


def _required(operation: Operation, kind: str) -> list[str]:
    schema = descriptions.schema_of(operation, kind)
    parts = descriptions.alternatives(operation.description.document, schema)
    first = next(parts, {})
    found: list[str] = list(first.get("required", ()))
    return found


def _without(body: bytes, name: str, *, is_form: bool) -> bytes:
    if is_form:
        pairs = [pair for pair in body.decode().split("&") if not re.match(rf"{re.escape(name)}(=|%5B|\[)", pair)]
        return "&".join(pairs).encode()
    values = json.loads(body)
    return json.dumps({key: value for key, value in values.items() if key != name}).encode()


def _schemes(operation: Operation) -> list[dict[str, Any]]:
    document = operation.description.document
    known = document.get("components", {}).get("securitySchemes", {})
    wanted = operation.own.get("security", document.get("security", []))
    return [] if {} in wanted else [known[name] for one in wanted for name in one if name in known]


def _asks_for_credentials(operation: Operation) -> bool:
    """Whether the description says it, in a way that openapi-core checks: not by OAuth 2."""
    schemes = _schemes(operation)
    return bool(schemes) and all(scheme["type"] in ("apiKey", "http") for scheme in schemes)


def _without_credentials(request: Request, operation: Operation) -> Request:
    names = {"authorization", *(scheme.get("name", "").lower() for scheme in _schemes(operation))}
    headers = {name: value for name, value in request.headers.items() if name.lower() not in names}
    parts = urlsplit(request.url)
    query = [pair for pair in parts.query.split("&") if pair.partition("=")[0].lower() not in names]
    return replace(request, headers=headers, url=parts._replace(query="&".join(query)).geturl())
