"""Tests the rules that every connector of the catalog follows."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from relay import redaction, templating
from relay.connectors import calls, catalog, registry, request_builder, status_checks
from relay.connectors.conformance.samples import FILE, connection_of, names_of, sample_of
from relay.connectors.definition import Action, Call, Connector, Field
from relay.outbound import check_headers, check_url

SPECS = Path(__file__).parents[2].parent / "shared" / "facts" / "specs"
ACTIONS = [
    pytest.param(connector, action, id=f"{connector.key}.{action.key}")
    for connector in registry.list_connectors()
    for action in connector.actions
]
HTTP_ACTIONS = [param for param in ACTIONS if param.values[1].target == "http"]  # type: ignore[union-attr]
SAMPLES: dict[str, Any] = {
    "string": "x1",
    "text": 'A & B " } {{ < é',
    "number": 3,
    "boolean": True,
    "json": {"a": 1},
    "list": ["a"],
    "file": FILE,
}
# Values by which tests can expect an exact request; others are made up of the fields' patterns.
SECRETS: dict[str, dict[str, str]] = {
    **{one.key: connection_of(one) for one in registry.list_connectors() if one.connection},
    "slack": {"webhook_url": "https://hooks.slack.com/services/T000/B000/SECRETSECRET"},
    "trello": {"key": "0123456789abcdef", "token": "fedcba9876543210"},
    "twilio": {"account_sid": "AC" + "0" * 32, "auth_token": "fedcba9876543210"},
    "mail": {"host": "mail.example.com", "user": "relay", "password": "correct horse", "from": "shop@example.com"},
    "postmark": {"token": "0a1b2c3d-1111-2222-3333-444455556666"},
    "hubspot": {"token": "pat-eu1-0a1b2c3d-1111-2222"},
    "easypost": {"api_key": "EZTK0a1b2c3d4e5f60718293"},
    "zendesk": {"subdomain": "acme", "email": "ada@example.com", "token": "fedcba9876543210"},
    "slack_bot": {"token": "xoxb-0123456789-SECRETSECRET"},
    "discord": {"webhook_url": "https://discord.com/api/webhooks/998877665544332211/SECRETSECRETSECRET"},
    "telegram": {"token": "123456789:SECRETSECRETSECRETSECRETSECRETSECRET"},
    "microsoft_teams": {
        "webhook_url": "https://prod-12.westeurope.logic.azure.com/workflows/SECRETSECRETSECRET/triggers/manual/paths/invoke"
    },
    "notion": {"token": "ntn_0123456789SECRETSECRET"},
    "github": {"token": "github_pat_0123456789SECRETSECRET"},
    "asana": {"token": "2/1204619611402300/1204619611402301:SECRETSECRET"},
    "todoist": {"token": "0123456789SECRETSECRET"},
    "google_sheets": {"access_token": "ya29.a0AfH6SMBx"},
    "pipedrive": {"token": "fedcba9876543210fedcba98"},
    "http": {"signing_secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "test_url": "https://example.com/health"},
}


def sample(field: Field) -> Any:
    value = sample_of(field)
    return value if value is not None else "https://example.com/" if field.kind == "url" else SAMPLES[field.kind]


def samples(action: Action, *, required_only: bool = False, without: str = "") -> dict[str, Any]:
    """A value for each input; of two that exclude each other for the first, unless that is left out."""
    given: dict[str, Any] = {}
    for one in action.inputs:
        if one.key != without and one.excludes not in given and (one.required or not required_only):
            given[one.key] = sample(one)
    return given


def needed(connector: Connector, field: Field) -> tuple[str, ...]:
    """The inputs on which the choices of a field depend."""
    source = connector.source(field.source)
    return source.needs if source else ()


def strings(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [text for item in value.values() for text in strings(item)]
    if isinstance(value, list | tuple):
        return [text for item in value for text in strings(item)]
    return [value] if isinstance(value, str) else []


def test_the_folder_is_the_list() -> None:
    files = {path.stem for path in Path(catalog.__path__[0]).glob("[!_]*.py")}

    assert {one.key for one in registry.list_connectors()} == files


@pytest.mark.parametrize(("connector", "action"), ACTIONS)
def test_all_has_labels_and_unique_keys(connector: Connector, action: Action) -> None:
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

    if connector.oauth is not None:
        known |= {f"connection.{key}" for key in connector.oauth.own_keys}
    for call in action.before:
        sources += strings([call.url, call.headers, call.query, call.json, call.body, call.when])
    sources.append(action.refuse)

    used = {name.partition("[")[0] for source in sources for name in templating.names(source)}
    used |= {name for output in action.outputs for name in templating.names(output.value)}
    used = {name for name in used if name.partition(".")[0] != "body"}
    # A request may also have the name and the size of a file.
    files = {f"inputs.{one.key}" for one in action.inputs if one.kind == "file"}
    used = {whole if (whole := name.rpartition(".")[0]) in files else name for name in used}

    # test_chains.py is about the names of answers.
    assert {name for name in used if not name.startswith("calls.")} <= {*known, "key"}
    if action.target == "http":
        narrowing = {f"inputs.{key}" for one in action.inputs for key in needed(connector, one)}
        assert {f"inputs.{one.key}" for one in action.inputs} <= used | narrowing, "an input that goes nowhere"


@pytest.mark.parametrize(("connector", "action"), HTTP_ACTIONS)
@pytest.mark.parametrize("required_only", [False, True])
def test_a_sample_becomes_a_request_that_can_be_sent(
    connector: Connector, action: Action, *, required_only: bool
) -> None:
    inputs = samples(action, required_only=required_only)

    names = names_of(action)

    request = request_builder.build(connector, action, inputs, SECRETS.get(connector.key), key="run-step", names=names)

    check_url(request.url)
    check_headers(request.headers)
    assert request.headers["Idempotency-Key"] == "run-step"


@pytest.mark.parametrize(("connector", "action"), HTTP_ACTIONS)
def test_secrets_stay_out_of_the_body_and_of_what_is_kept(connector: Connector, action: Action) -> None:
    connection = SECRETS.get(connector.key)
    secrets = request_builder.secrets_of(connector, connection)

    names = names_of(action)

    request = request_builder.build(connector, action, samples(action), connection, key="k", names=names)

    kept = json.dumps(redaction.request_record(request, secrets))
    for secret in secrets:
        assert secret.encode() not in (request.body or b"")
        assert secret not in kept


@pytest.mark.parametrize(
    "connector", [one for one in registry.list_connectors() if one.connection], ids=lambda one: one.key
)
def test_a_connection_has_hosts_and_secrets(connector: Connector) -> None:
    only_signs = all(action.signing_secret for action in connector.actions)
    assert connector.hosts or only_signs
    assert connector.oauth is not None or any(one.secret for one in connector.connection)
    own = connector.oauth.own_keys if connector.oauth else ()
    entered = {key: value for key, value in SECRETS[connector.key].items() if key not in own}
    assert connector.check_connection(entered) == {}
    assert set(connector.check_connection({})) == {one.key for one in connector.connection if one.required}
    assert connector.check_connection({**entered, "colour": "x"}) == {"colour": "unknown field"}


@pytest.mark.parametrize(("connector", "action"), ACTIONS)
def test_a_field_names_a_source_that_exists_and_what_it_needs(connector: Connector, action: Action) -> None:
    for field in action.inputs:
        assert not field.source or connector.source(field.source), field.key
        assert all(action.input(key) for key in needed(connector, field)), field.key


CALLS = [
    pytest.param(connector, call, needs, id=f"{connector.key}.{call.key}")
    for connector in registry.list_connectors()
    for call, needs in [
        *([(connector.test.call, ())] if connector.test else []),
        *((source.call, source.needs) for source in connector.sources),
    ]
]


# Searches and GraphQL queries, which change nothing although they are POST requests.
READ_BY_POST = {"notion.data_sources", "slack_bot.test", "shopify.shop", "shopify.locations"}


@pytest.mark.parametrize(("connector", "call", "needs"), CALLS)
def test_a_call_outside_of_runs_only_reads(connector: Connector, call: Call, needs: tuple[str, ...]) -> None:
    known = {f"inputs.{key}" for key in needs} | {f"connection.{one.key}" for one in connector.connection}
    known |= {f"connection.{key}" for key in (connector.oauth.own_keys if connector.oauth else ())}
    used = {name for text in strings([call.url, call.headers, call.query]) for name in templating.names(text)}
    action = calls.as_action(call, tuple(Field(key, key) for key in needs))

    request = request_builder.build(
        connector, action, dict.fromkeys(needs, "x 1/2"), SECRETS[connector.key], key="k", names={"search": "a"}
    )

    assert used <= {*known, "search"}
    if f"{connector.key}.{call.key}" in READ_BY_POST:
        assert request.method == "POST"
        assert b"mutation" not in (request.body or b"")
    else:
        assert (request.method, request.body) == ("NOOP" if call.target == "mail" else "GET", None)
    assert request.only or request.mail is not None or not connector.hosts
    if request.mail is None:
        check_url(request.url)


OAUTH = [one for one in registry.list_connectors() if one.oauth is not None]


@pytest.mark.parametrize("connector", OAUTH, ids=lambda one: one.key)
def test_a_connector_by_oauth_says_all_that_a_person_needs(connector: Connector) -> None:
    auth = connector.oauth
    assert auth is not None
    assert auth.setup
    assert not auth.authorize_url or auth.scopes
    assert all(scope.means and scope.means[0].islower() and scope.means[-1] != "." for scope in auth.scopes)
    for url in filter(None, (auth.authorize_url, auth.token_url, auth.revoke_url)):
        assert url.startswith("https://")
        check_url(templating.compile_tree(url).render({"connection": SECRETS.get(connector.key, {})}))


INQUIRIES = [param for param in HTTP_ACTIONS if param.values[1].inquiry is not None]  # type: ignore[union-attr]


@pytest.mark.parametrize(("connector", "action"), INQUIRIES)
def test_an_inquiry_asks_the_same_service_and_changes_nothing(connector: Connector, action: Action) -> None:
    inputs, connection = samples(action), SECRETS.get(connector.key)
    asking, names = status_checks.inquiry_action(action), names_of(action)
    done = request_builder.build(connector, action, inputs, connection, key="run-step", names=names)

    asked = request_builder.build(connector, asking, inputs, connection, key="run-step", names=names)

    assert not action.repeatable
    assert (asked.method, asked.body) == ("GET", None)
    assert (asked.only, urlsplit(asked.url).netloc) == (done.only, urlsplit(done.url).netloc)
    assert asked.headers.items() <= done.headers.items()


def spec(name: str) -> Any:
    if not (SPECS / name).exists():
        pytest.skip(f"the published API description {name} is not beside this checkout")
    return json.loads((SPECS / name).read_text())


def test_a_slack_message_uses_names_that_slack_knows() -> None:
    described = spec("slack.json")["paths"]["/chat.postMessage"]["post"]
    _, action = registry.find("slack.post_message")

    assert action.json.keys() <= {one["name"] for one in described["parameters"]}


_is_whole = re.compile(r"\{\{ (inputs|connection)\.\w+ \}\}").fullmatch


@pytest.mark.parametrize(("connector", "action"), HTTP_ACTIONS)
def test_each_value_in_the_path_of_a_url_is_encoded_as_one_part(connector: Connector, action: Action) -> None:
    urls = [action.url, *([action.inquiry.url] if action.inquiry else [])]

    paths = [url.split("/", 3)[-1] for url in urls if not _is_whole(url)]

    assert all("?" not in path for path in paths), "parameters go into `query`, which encodes them"
    for expression in (found for path in paths for found in re.findall(r"\{\{(.*?)\}\}", path)):
        assert expression.rstrip().endswith("| urlencode"), f"{connector.key}.{action.key}: {expression}"
