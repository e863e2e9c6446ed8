"""What every connector of the catalogue keeps to, whichever it is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from relay import redaction, templating
from relay.connectors import calls, catalog, inquiries, registry
from relay.connectors.definition import Action, Connector, Field
from relay.outbound import check_headers, check_url

SPECS = Path(__file__).parents[2].parent / "shared" / "facts" / "specs"
ACTIONS = [
    pytest.param(connector, action, id=f"{connector.key}.{action.key}")
    for connector in registry.all()
    for action in connector.actions
]
HTTP_ACTIONS = [param for param in ACTIONS if param.values[1].target == "http"]  # type: ignore[union-attr]
SAMPLES = {"string": "x1", "text": 'A & B " } {{ < é', "number": 3, "boolean": True, "json": {"a": 1}, "list": ["a"]}
SECRETS = {
    "slack": {"webhook_url": "https://hooks.slack.com/services/T000/B000/SECRETSECRET"},
    "trello": {"key": "0123456789abcdef", "token": "fedcba9876543210"},
    "twilio": {"account_sid": "AC" + "0" * 32, "auth_token": "fedcba9876543210"},
    "postmark": {"token": "0a1b2c3d-1111-2222-3333-444455556666"},
    "hubspot": {"token": "pat-eu1-0a1b2c3d-1111-2222"},
    "easypost": {"api_key": "EZTK0a1b2c3d4e5f60718293"},
    "zendesk": {"subdomain": "acme", "email": "ada@example.com", "token": "fedcba9876543210"},
    "http": {"signing_secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"},
}


def sample(field: Field) -> Any:
    if field.example:
        return field.example
    if field.kind == "choice":
        return field.options[0]
    return "https://example.com/" if field.kind == "url" else SAMPLES[field.kind]


def samples(action: Action, *, required_only: bool = False) -> dict[str, Any]:
    return {one.key: sample(one) for one in action.inputs if one.required or not required_only}


def strings(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [text for item in value.values() for text in strings(item)]
    if isinstance(value, list | tuple):
        return [text for item in value for text in strings(item)]
    return [value] if isinstance(value, str) else []


def test_the_folder_is_the_list() -> None:
    files = {path.stem for path in Path(catalog.__path__[0]).glob("*.py")} - {"__init__"}

    assert {one.key for one in registry.all()} == files


@pytest.mark.parametrize(("connector", "action"), ACTIONS)
def test_all_is_labelled_and_no_key_stands_twice(connector: Connector, action: Action) -> None:
    fields = [*connector.connection, *action.inputs]

    assert connector.label
    assert action.label
    assert all(one.label and one.key.isidentifier() for one in fields)
    for keys in ([one.key for one in connector.connection], [one.key for one in action.inputs]):
        assert len(keys) == len(set(keys))
    assert len({one.key for one in connector.actions}) == len(connector.actions)


@pytest.mark.parametrize(("connector", "action"), ACTIONS)
def test_templates_name_only_fields_that_exist(connector: Connector, action: Action) -> None:
    known = {f"inputs.{one.key}" for one in action.inputs} | {f"connection.{one.key}" for one in connector.connection}
    sources = strings([action.method, action.url, action.headers, action.query, action.json, action.body])
    sources += strings([action.basic or (), action.sign, action.signing_secret])
    if action.inquiry is not None:
        sources += strings([action.inquiry.url, action.inquiry.query, action.inquiry.about[1]])

    used = {name for source in sources for name in templating.names(source)}

    assert used <= {*known, "key"}
    if action.target == "http":
        assert {f"inputs.{one.key}" for one in action.inputs} <= used, "an input that goes nowhere"


@pytest.mark.parametrize(("connector", "action"), HTTP_ACTIONS)
@pytest.mark.parametrize("required_only", [False, True])
def test_a_sample_becomes_a_request_that_can_be_sent(
    connector: Connector, action: Action, *, required_only: bool
) -> None:
    inputs = samples(action, required_only=required_only)

    request = calls.build(connector, action, inputs, SECRETS.get(connector.key), key="run-step")

    check_url(request.url)
    check_headers(request.headers)
    assert request.headers["Idempotency-Key"] == "run-step"


@pytest.mark.parametrize(("connector", "action"), HTTP_ACTIONS)
def test_secrets_stay_out_of_the_body_and_of_what_is_kept(connector: Connector, action: Action) -> None:
    connection = SECRETS.get(connector.key)
    secrets = calls.secrets_of(connector, connection)

    request = calls.build(connector, action, samples(action), connection, key="k")

    kept = json.dumps(redaction.request_record(request, secrets))
    for secret in secrets:
        assert secret.encode() not in (request.body or b"")
        assert secret not in kept


@pytest.mark.parametrize("connector", [one for one in registry.all() if one.connection], ids=lambda one: one.key)
def test_a_connection_has_hosts_and_secrets(connector: Connector) -> None:
    only_signs = all(action.signing_secret for action in connector.actions)
    assert connector.hosts or only_signs
    assert any(one.secret for one in connector.connection)
    assert connector.check_connection(SECRETS[connector.key]) == {}
    assert set(connector.check_connection({})) == {one.key for one in connector.connection if one.required}
    assert connector.check_connection({**SECRETS[connector.key], "colour": "x"}) == {"colour": "unknown field"}


INQUIRIES = [param for param in HTTP_ACTIONS if param.values[1].inquiry is not None]  # type: ignore[union-attr]


@pytest.mark.parametrize(("connector", "action"), INQUIRIES)
def test_an_inquiry_asks_the_same_service_and_changes_nothing(connector: Connector, action: Action) -> None:
    inputs, connection = samples(action), SECRETS.get(connector.key)
    done = calls.build(connector, action, inputs, connection, key="run-step")

    asked = inquiries.build(connector, action, inputs, connection, key="run-step")

    assert not action.repeatable
    assert (asked.method, asked.body) == ("GET", None)
    assert (asked.only, urlsplit(asked.url).netloc) == (done.only, urlsplit(done.url).netloc)
    assert asked.headers.items() <= done.headers.items()


def spec(name: str) -> Any:
    if not (SPECS / name).exists():
        pytest.skip(f"the published API description {name} is not beside this checkout")
    return json.loads((SPECS / name).read_text())


def test_a_trello_card_is_as_its_published_description_says() -> None:
    described = spec("trello.json")["paths"]["/cards"]["post"]
    parameters = {one["name"]: one for one in described["parameters"]}
    connector, action = registry.find("trello.create_card")

    request = calls.build(connector, action, samples(action), SECRETS["trello"], key="k")

    sent = json.loads(request.body or b"")
    assert sent.keys() <= parameters.keys()
    assert {name for name, one in parameters.items() if one.get("required")} <= sent.keys()
    assert isinstance(sent["idLabels"], list)
    assert parse_qs(urlsplit(request.url).query) == {name: [value] for name, value in SECRETS["trello"].items()}
    assert urlsplit(request.url).path == "/1/cards"


def test_a_slack_message_uses_names_that_slack_knows() -> None:
    described = spec("slack.json")["paths"]["/chat.postMessage"]["post"]
    _, action = registry.find("slack.post_message")

    assert action.json.keys() <= {one["name"] for one in described["parameters"]}


PUBLISHED = {
    "postmark.send_mail": ("postmark.json", "/email", ("SendEmailRequest",)),
    "zendesk.create_ticket": ("zendesk.json", "/tickets", ("TicketCreate", "ticket")),
    "hubspot.upsert_contact": (
        "hubspot_contacts.json",
        "/crm/v3/objects/contacts/batch/upsert",
        (
            "SimplePublicObjectBatchInputUpsert",
            "inputs.0",
        ),
    ),
}


@pytest.mark.parametrize(("name", "published"), PUBLISHED.items())
def test_a_body_has_the_names_of_its_published_description(name: str, published: tuple[str, str, Any]) -> None:
    file, path, (schema, *place) = published
    described = spec(file)
    connector, action = registry.find(name)

    request = calls.build(connector, action, samples(action), SECRETS[connector.key], key="k")

    sent = json.loads(request.body or b"")
    for part in place[0].split(".") if place else ():
        sent = sent[int(part)] if part.isdecimal() else sent[part]
    known = described["components"]["schemas"][schema]
    assert "post" in described["paths"][path]
    assert urlsplit(request.url).path.endswith(path)
    assert sent.keys() <= known["properties"].keys()
    assert set(known.get("required", ())) <= sent.keys()
