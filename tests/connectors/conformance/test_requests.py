"""Every action's examples dry-run to a request, which is as the description of the service says."""

from __future__ import annotations

import json
from typing import Any

import pytest

from relay.connectors.conformance import samples
from relay.connectors.conformance.request_checks import request_of
from relay.connectors.definition import Action, Connector
from relay.engine.dry_run.dry_run_context import DryRunContext
from relay.engine.dry_run.dry_walk import dry_run
from relay.engine.intake.event_data import EventData
from relay.flows.checks.validation import parse_document
from relay.outbound import Request
from tests.connectors.conformance import descriptions
from tests.connectors.conformance.actions import ACTIONS, DESCRIBED, PAIRS, connections_of, event_of, step_of
from tests.connectors.conformance.swagger import as_openapi

# Actions whose proof is a description; the others are compared with one too, if there is one.
BY_SPEC = [pair for pair in PAIRS if pair[1].proof == "spec"]
IDS = [f"{connector.key}.{action.key}" for connector, action in BY_SPEC]


def document(step: dict[str, Any]) -> dict[str, Any]:
    return {"relay": 1, "name": "F", "trigger": {"kind": "webhook"}, "steps": [step]}


@pytest.mark.parametrize(("connector", "action"), ACTIONS)
def test_examples_can_be_saved_and_dry_run_to_a_request(connector: Connector, action: Action) -> None:
    for name, inputs in samples.variants(action):
        known = DryRunContext("F", connections_of(connector))

        event = EventData(1, "POST", "", "{}", received_at=0, **event_of(action))
        result = dry_run(parse_document(document(step_of(connector, action, inputs))), event, known)

        assert (result["state"], result["steps"][0].get("error")) == ("succeeded", None), name
        # The last entry is the action's own, after those of its calls.
        assert result["steps"][-1]["request"]["url"], name


@pytest.mark.parametrize(("connector", "action"), DESCRIBED)
def test_a_request_is_as_the_description_of_its_service_says(connector: Connector, action: Action) -> None:
    """Against a description in `services` everywhere, and against a published one where there is one."""
    for name, inputs in samples.variants(action):
        request = request_of(connector, action, inputs)
        operation = descriptions.operation_of(connector, request)

        assert operation is not None, name
        assert descriptions.faults(connector, request, operation) == [], (name, operation.description.name)


@pytest.mark.parametrize(("connector", "action"), BY_SPEC, ids=IDS)
def test_what_claims_to_be_proved_by_a_description_is_described(connector: Connector, action: Action) -> None:
    descriptions.published_or_skip()
    for _, inputs in samples.variants(action):
        operation = descriptions.operation_of(connector, request_of(connector, action, inputs))

        assert operation is not None, "no published description has this method and path"
        assert operation.description.is_published
        assert action.docs.startswith("https://"), "say which description it is"


RECORDED = [pytest.param(*pair, id=f"{pair[0].key}.{pair[1].key}") for pair in PAIRS if pair[1].proof == "recorded"]


@pytest.mark.parametrize(("connector", "action"), RECORDED)
def test_what_claims_to_be_proved_by_a_recording_is_recorded(connector: Connector, action: Action) -> None:
    """With the same method and path, and with every name that the required inputs send."""
    descriptions.published_or_skip()
    request = request_of(connector, action, samples.inputs_of(action.inputs, required_only=True))

    recordings = descriptions.recordings_of(connector.key, request)

    assert recordings
    sent = descriptions.names_in(json.loads(request.body or b"{}"))
    assert sent <= {name for body in recordings for name in descriptions.names_in(json.loads(body))}


def test_every_proof_is_one_that_can_be_looked_up() -> None:
    unproved = [
        f"{connector.key}.{action.key}"
        for connector, action in PAIRS
        if connector.hosts and not (action.docs or connector.docs).startswith("https://")
    ]

    assert unproved == []


def test_every_file_of_a_service_has_its_source_and_its_reasons() -> None:
    keys = {connector.key for connector, _ in PAIRS}
    for path in descriptions.SERVICES.glob("*.json"):
        own = json.loads(path.read_text())

        assert path.stem in keys, f"{path.name} is of no connector with actions"
        assert own.keys() <= {"source", "deviations", "json_as_query", "paths", "components", "servers", "security"}
        assert own["source"].startswith("https://")
        assert all(one["error"] and one["reason"] for one in own.get("deviations", ()))


SWAGGER = {
    "swagger": "2.0",
    "basePath": "/api",
    "paths": {
        "/things/{id}": {
            "parameters": [{"name": "id", "in": "path", "required": True, "type": "integer"}],
            "post": {
                "parameters": [
                    {"name": "body", "in": "body", "required": True, "schema": {"$ref": "#/definitions/Thing"}},
                    {"name": "notify", "in": "query", "type": "boolean"},
                ]
            },
            "put": {"parameters": [{"name": "title", "in": "formData", "required": True, "type": "string"}]},
        }
    },
    "definitions": {
        "Thing": {"type": "object", "required": ["title"], "properties": {"title": {"type": "string", "maxLength": 3}}}
    },
    "securityDefinitions": {"key": {"type": "apiKey", "name": "X-Key", "in": "header"}},
    "security": [{"key": []}],
}


@pytest.mark.parametrize(
    ("method", "url", "headers", "body", "fault"),
    [
        ("POST", "/api/things/7?notify=true", {"X-Key": "k"}, {"title": "abc"}, ""),
        ("POST", "/api/things/x", {"X-Key": "k"}, {"title": "abc"}, "id"),
        ("POST", "/api/things/7", {}, {"title": "abc"}, "Security"),
        ("POST", "/api/things/7", {"X-Key": "k"}, {"title": "abcd"}, "too long"),
        ("POST", "/api/things/7", {"X-Key": "k"}, {}, "required"),
        ("POST", "/api/things/7", {"X-Key": "k"}, {"title": "a", "x": 1}, "body: x is not described"),
        ("POST", "/api/things/7?x=1", {"X-Key": "k"}, {"title": "a"}, "query: x is not described"),
        ("PUT", "/api/things/7", {"X-Key": "k"}, "title=abc", ""),
        ("PUT", "/api/things/7", {"X-Key": "k"}, "titel=abc", "body: titel is not described"),
        ("PUT", "/api/things/7", {"X-Key": "k"}, "", "required"),
    ],
)
def test_swagger_2_is_checked_as_openapi_3(
    monkeypatch: pytest.MonkeyPatch, method: str, url: str, headers: dict[str, str], body: Any, fault: str
) -> None:
    described = descriptions.described_by("own shop.json", as_openapi(SWAGGER), {})
    monkeypatch.setattr(descriptions, "of_service", lambda _: (described,))
    descriptions.validator_of.cache_clear()
    kind = descriptions.FORM if isinstance(body, str) else "application/json"
    data = body.encode() if isinstance(body, str) else json.dumps(body).encode()
    request = Request(method, f"https://shop.example{url}", {**headers, "Content-Type": kind}, data)
    operation = descriptions.operation_of(Connector("shop", "Shop"), request)
    assert operation is not None

    faults = descriptions.faults(Connector("shop", "Shop"), request, operation)

    assert bool(faults) == bool(fault)
    assert fault in "".join(faults)
