"""Requests of OAuth 2.0 as RFC 6749 and RFC 7636 describe them, and answers of any shape."""

from __future__ import annotations

import base64
import dataclasses
import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from relay.connectors import masked_request, oauth_requests, registry, request_builder
from relay.connectors.definition import Connector, Field, OAuth2
from relay.connectors.oauth_requests import Client, read_answer
from relay.connectors.request_builder import RelayHeaders
from relay.engine.walk import action_request
from relay.engine.walk.action_inputs import Inputs
from relay.errors import RelayError, TokenDelayed, TokenRefused
from relay.outbound import Answer
from tests.support.authorization_server import EXAMPLE, MACHINE

CLIENT = Client("id 1", "s+/&")


def changed(**changes: Any) -> Connector:
    assert EXAMPLE.oauth is not None
    return dataclasses.replace(EXAMPLE, auth=dataclasses.replace(EXAMPLE.oauth, **changes), actions=())


def answer(body: object, status: int = 200, kind: str = "application/json") -> Answer:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Answer(status, {"content-type": kind}, data, truncated=False, seconds=0.1)


def test_the_challenge_is_that_of_the_rfc() -> None:
    verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    assert oauth_requests.challenge_of(verifier) == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


def test_the_authorization_has_what_the_rfcs_ask_for() -> None:
    connector = changed(parameters={"access_type": "offline"}, separator=",", authorize_url="https://a.example/x?y=1")

    url = oauth_requests.authorization_url(
        connector, CLIENT, {}, redirect="https://r.example/back/", state="s t", verifier="v" * 43
    )

    assert url.startswith("https://a.example/x?y=1&")
    assert {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()} == {
        "y": "1",
        "response_type": "code",
        "client_id": "id 1",
        "redirect_uri": "https://r.example/back/",
        "state": "s t",
        "scope": "read,write",
        "code_challenge": oauth_requests.challenge_of("v" * 43),
        "code_challenge_method": "S256",
        "access_type": "offline",
    }


@pytest.mark.parametrize("way", ["basic", "body"])
def test_the_client_authenticates_one_way(way: str) -> None:
    request = oauth_requests.code_request(
        changed(client=way), CLIENT, {}, code="c", redirect="https://r.example/", verifier="v"
    )

    form = {name: values[0] for name, values in parse_qs((request.body or b"").decode()).items()}
    expected = {"grant_type": "authorization_code", "code": "c", "redirect_uri": "https://r.example/"}
    expected["code_verifier"] = "v"
    if way == "basic":
        pair = base64.b64decode(request.headers["Authorization"].removeprefix("Basic ")).decode()
        assert pair == "id+1:s%2B%2F%26"
        assert form == expected
    else:
        assert "Authorization" not in request.headers
        assert form == expected | {"client_id": "id 1", "client_secret": "s+/&"}
    assert (request.method, request.only, request.replayable) == ("POST", ("https://accounts.example.com",), False)


def test_a_client_without_a_secret_names_only_itself() -> None:
    request = oauth_requests.renewal_request(EXAMPLE, Client("id", ""), {"refresh_token": "r"})

    assert request.body == b"grant_type=refresh_token&refresh_token=r&client_id=id"


def zoned(host: str, kind: Any = "choice") -> Connector:
    field = Field("dc", "Data centre", kind=kind, options=("com", "eu") if kind == "choice" else ())
    return dataclasses.replace(changed(token_url=host), connection=(field,))


@pytest.mark.parametrize("value", ["com.evil.example/", "evil", "", None, "eu@evil.example/", "com#", ["com"]])
def test_a_connection_cannot_lead_the_client_to_another_host(value: Any) -> None:
    connector = zoned("https://accounts.example.{{ connection.dc }}/token")

    assert oauth_requests.endpoint(connector, connector.oauth.token_url, {"dc": "eu"}, CLIENT).endswith(
        "example.eu/token"
    )
    with pytest.raises(RelayError):
        oauth_requests.endpoint(connector, connector.oauth.token_url, {"dc": value}, CLIENT)
    with pytest.raises(RelayError):
        oauth_requests.endpoint(
            zoned(connector.oauth.token_url, "string"), connector.oauth.token_url, {"dc": "eu"}, CLIENT
        )


@pytest.mark.parametrize("value", ["../../x", "a/b", "a?b", "a#b", "@evil.example", "\\evil"])
def test_a_value_in_the_path_stays_one_part(value: str) -> None:
    connector = zoned("https://login.example.com/{{ connection.dc }}/token", "string")

    try:
        url = oauth_requests.endpoint(connector, connector.oauth.token_url, {"dc": value}, CLIENT)
    except RelayError:
        return
    parts = urlsplit(url)
    assert (parts.netloc, parts.path.count("/"), parts.query, parts.fragment) == ("login.example.com", 2, "", "")


def test_an_address_of_its_own_needs_a_client_of_its_own() -> None:
    connector = zoned("{{ connection.dc }}/token", "url")

    with pytest.raises(RelayError):
        oauth_requests.endpoint(connector, connector.oauth.token_url, {"dc": "https://a.example"}, CLIENT)
    own = CLIENT._replace(is_own=True)
    assert oauth_requests.endpoint(connector, connector.oauth.token_url, {"dc": "https://a.example"}, own)
    with pytest.raises(RelayError, match="https"):
        oauth_requests.endpoint(connector, connector.oauth.token_url, {"dc": "http://a.example"}, own)


def test_tokens_are_read_from_json_and_forms() -> None:
    body = {"access_token": "a", "refresh_token": "r", "expires_in": "60", "scope": "read  write", "account": 7}
    read = read_answer(EXAMPLE, answer(body), ())
    form = read_answer(EXAMPLE, answer(b"access_token=a&scope=x,y", kind="application/x-www-form-urlencoded"), ())

    assert (read.access_token, read.refresh_token, read.lifetime) == ("a", "r", 60.0)
    assert (read.scopes, read.kept) == (("read", "write"), {"account": "7"})
    assert (form.access_token, form.refresh_token, form.lifetime, form.scopes) == ("a", "", None, ("x", "y"))


@pytest.mark.parametrize(
    ("named", "kept"),
    [
        ("https://acme.my.salesforce.com", "https://acme.my.salesforce.com"),
        ("https://ACME.example:443/services/?x=1#y", "https://acme.example"),
        (None, None),
    ],
)
def test_the_address_of_the_accounts_api_is_kept_as_an_origin(named: str | None, kept: str | None) -> None:
    read = read_answer(changed(base_url_from="api_domain"), answer({"access_token": "a", "api_domain": named}), ())

    assert read.kept.get("api_domain") == kept


@pytest.mark.parametrize(
    "named",
    [
        "http://acme.example",
        "acme.example",
        "",
        "https://",
        "https://me:pw@acme.example",
        "https://acme.example\\@evil.example",
        "https://acme example",
        "javascript:alert(1)",
        7,
        ["https://acme.example"],
    ],
)
def test_an_address_of_the_accounts_api_that_is_none_is_refused(named: Any) -> None:
    with pytest.raises(TokenRefused, match="named an address of its API that is not an https address"):
        read_answer(changed(base_url_from="api_domain"), answer({"access_token": "a", "api_domain": named}), ())


@pytest.mark.parametrize(
    ("expires_in", "lifetime"),
    [
        (3600, 3600),
        (0, 900),
        (-5, 900),
        ("soon", 900),
        (None, 900),
        (1e300, 315_360_000),
        ([], 900),
        (True, 1),
        ({}, 900),
    ],
)
def test_any_lifetime_is_read(expires_in: Any, lifetime: float) -> None:
    connector = changed(lifetime=900)
    assert read_answer(connector, answer({"access_token": "a", "expires_in": expires_in}), ()).lifetime == lifetime


def test_a_lifetime_that_is_no_number_is_the_usual_one() -> None:
    body = b'{"access_token": "a", "expires_in": "NaN"}'
    assert read_answer(changed(lifetime=900), answer(body), ()).lifetime == 900


REFUSED = [
    (400, {"error": "invalid_grant"}, "Connect again"),
    (401, {"error": "invalid_client"}, "client's id and secret"),
    (400, {"error": "invalid_grant", "error_description": "redirect_uri mismatch"}, "redirect address"),
    (200, {"error": "bad_refresh_token"}, "bad_refresh_token"),
    (200, {"ok": False, "error": {"code": 3}}, "the answer was 200"),
    (404, {}, "the answer was 404"),
    (200, {"access_token": "a\r\nX: y"}, "no request can carry"),
    (200, {"access_token": "a" * 20_000}, "no request can carry"),
    (200, {"access_token": "ü"}, "no request can carry"),
    (200, {"access_token": ["a"]}, "no request can carry"),
    (200, {"access_token": "a", "refresh_token": {"x": 1}}, "no request can carry"),
]


@pytest.mark.parametrize(("status", "body", "words"), REFUSED)
def test_answers_after_which_a_person_acts(status: int, body: dict[str, Any], words: str) -> None:
    with pytest.raises(TokenRefused, match=words):
        read_answer(EXAMPLE, answer(body, status), ())


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (500, b"<h1>Oops</h1>"),
        (503, {"error": "invalid_grant"}),
        (429, {}),
        (400, {"error": "temporarily_unavailable"}),
        (200, b""),
        (200, b"[1]"),
        (200, b'{"access_token": '),
        (200, b"[" * 100_000),
        (200, {"access_token": ""}),
        (302, {}),
        (200, b"\xff\xfe"),
    ],
)
def test_answers_after_which_relay_asks_again(status: int, body: Any) -> None:
    with pytest.raises(TokenDelayed):
        read_answer(EXAMPLE, answer(body, status), ())


def test_a_form_with_many_fields_is_no_answer() -> None:
    form = b"access_token=a&" + b"x=1&" * 200

    with pytest.raises(TokenDelayed):
        read_answer(EXAMPLE, answer(form, kind="application/x-www-form-urlencoded"), ())


def test_an_enormous_lifetime_is_the_usual_one() -> None:
    body = b'{"access_token": "a", "expires_in": 1' + b"0" * 400 + b"}"

    assert read_answer(changed(lifetime=60), answer(body), ()).lifetime == 60


def test_scopes_can_be_stored() -> None:
    assert read_answer(EXAMPLE, answer({"access_token": "a", "scope": "read\0 write"}), ()).scopes == ("read", "write")
    assert read_answer(EXAMPLE, answer({"access_token": "a", "scope": ["re\0ad"]}), ()).scopes == ("read",)


def test_an_answer_that_was_cut_is_none() -> None:
    cut = Answer(200, {}, b'{"access_token": "a"}', truncated=True, seconds=0.1, fault="it is larger than allowed")
    with pytest.raises(TokenDelayed):
        read_answer(EXAMPLE, cut, ())


def test_what_a_service_says_is_cut_and_masked() -> None:
    secret = "the-secret-that-was-sent"
    said = f"bad {secret}\n\x00\u202e " + "x" * 1_000
    with pytest.raises(TokenRefused) as refused:
        read_answer(EXAMPLE, answer({"error": "invalid_grant", "error_description": said}, 400), (secret,))

    text = str(refused.value)
    assert secret not in text
    assert "bad ••••••" in text
    assert len(text) < 400
    assert "\n" not in text
    assert "\0" not in text


@pytest.mark.parametrize(
    "token", ["", "a", "a.b.c", "a.!!.c", "a." + base64.b64encode(b"[1]").decode() + ".c", 7, None]
)
def test_claims_that_are_none_are_empty(token: Any) -> None:
    assert oauth_requests.claims_of({"id_token": token}) == {}


def test_the_clients_own_credentials_are_a_grant() -> None:
    assert isinstance(MACHINE.oauth, OAuth2)
    request = oauth_requests.renewal_request(MACHINE, CLIENT, {})

    assert request.body == b"grant_type=client_credentials&client_id=id+1&client_secret=s%2B%2F%26"
    assert oauth_requests.can_renew(MACHINE.oauth, {})


def test_what_is_shown_of_a_request_has_no_token() -> None:
    values = {"access_token": "tok-en-of-the-account", "refresh_token": "ref-resh", "renewed_at": 1.0, "region": "eu"}
    action = EXAMPLE.actions[0]
    public = masked_request.shown_connection(EXAMPLE, values)
    shown = masked_request.outline(EXAMPLE, action, {"text": "hi"}, public, key="k")

    assert request_builder.secrets_of(EXAMPLE, values) == ("tok-en-of-the-account", "ref-resh")
    assert "tok-en" not in str(shown)
    assert "••••••" in shown.headers["Authorization"]
    assert masked_request.sketch(EXAMPLE, action, {"text": "hi"}, key="k").headers["Authorization"]
    assert masked_request.outline(
        EXAMPLE, action, {"text": "hi"}, masked_request.shown_connection(EXAMPLE, {}), key="k"
    )


def test_hubspot_takes_a_private_token_or_a_connection() -> None:
    connector, action = registry.find("hubspot.upsert_contact")
    assert connector.oauth is not None
    inputs = {"email": "ada@example.com"}

    tokens = [
        request_builder.build(connector, action, inputs, values, key="k").headers["Authorization"]
        for values in ({"token": "pat-12345678"}, {"access_token": "a", "refresh_token": "r"})
    ]

    assert tokens == ["Bearer pat-12345678", "Bearer a"]
    assert connector.oauth.is_replaced({"token": "pat-12345678"})
    assert not connector.oauth.is_replaced({"access_token": "a"})


PIPEDRIVE_PERSON = {"email": "ada@example.com", "name": "Ada"}


@pytest.mark.parametrize(
    ("values", "origin", "headers"),
    [
        ({"token": "0123456789abcdef"}, "https://api.pipedrive.com", {"x-api-token": "0123456789abcdef"}),
        (
            {"access_token": "11:22:abc", "api_domain": "https://acme-sandbox.pipedrive.com"},
            "https://acme-sandbox.pipedrive.com",
            {"Authorization": "Bearer 11:22:abc"},
        ),
        ({"access_token": "11:22:abc"}, "https://api.pipedrive.com", {"Authorization": "Bearer 11:22:abc"}),
    ],
)
def test_pipedrive_is_called_at_the_address_of_the_account(
    values: dict[str, str], origin: str, headers: dict[str, str]
) -> None:
    connector, action = registry.find("pipedrive.create_person")

    request = request_builder.build(connector, action, PIPEDRIVE_PERSON, values, key="k")

    assert request.url == f"{origin}/api/v2/persons"
    assert request.only == (origin,)
    credentials = {name: value for name, value in request.headers.items() if name in ("x-api-token", "Authorization")}
    assert credentials == headers


@pytest.mark.parametrize(
    "domain",
    [
        *("https://evil.example", "https://evil.example/", "http://acme.pipedrive.com", "https://evil.example/?"),
        *("https://evil.example#", "https://evil.example/.pipedrive.com/x", "https://a@evil.example/", "acme\\@evil"),
        *("https://acme.pipedrive.com.evil.example", "https://127.0.0.1:80/", "https://acme.pipedrive.com/../x", " "),
    ],
)
def test_a_token_endpoint_cant_send_pipedrives_tokens_elsewhere(domain: str) -> None:
    connector, action = registry.find("pipedrive.create_person")
    values = {"access_token": "11:22:abc", "api_domain": domain}

    try:
        request = request_builder.build(connector, action, PIPEDRIVE_PERSON, values, key="k")
    except RelayError:
        return
    assert str(urlsplit(request.url).hostname).endswith(".pipedrive.com")
    assert urlsplit(request.url).scheme == "https"


def test_pipedrive_keeps_the_address_that_its_token_endpoint_says() -> None:
    connector = registry.connector("pipedrive")
    body = {"access_token": "1:2:a", "refresh_token": "1:2:b", "expires_in": 3599, "scope": "base deals:full"}

    given = read_answer(connector, answer({**body, "api_domain": "https://acme.pipedrive.com"}), ())
    request = oauth_requests.code_request(connector, CLIENT, {}, code="c", redirect="https://r.example/", verifier="v")

    assert given.kept == {"api_domain": "https://acme.pipedrive.com"}
    assert request.headers["Authorization"].startswith("Basic ")
    assert b"code_verifier" not in (request.body or b"")


@pytest.mark.parametrize(
    ("tenant", "path"),
    [
        ("", "common"),
        ("contoso.onmicrosoft.com", "contoso.onmicrosoft.com"),
        ("../../evil?x=#", "..%2F..%2Fevil%3Fx%3D%23"),
    ],
)
def test_a_tenant_is_a_part_of_the_path_of_microsofts_endpoints(tenant: str, path: str) -> None:
    connector = registry.connector("microsoft_graph")
    assert connector.oauth is not None

    url = oauth_requests.endpoint(connector, connector.oauth.token_url, {"tenant": tenant} if tenant else {}, CLIENT)

    assert url == f"https://login.microsoftonline.com/{path}/oauth2/v2.0/token"


@pytest.mark.parametrize("values", [{"token": "0123456789abcdef"}, {"access_token": "1:2:a", "refresh_token": "1:2:b"}])
def test_what_is_shown_of_a_request_has_the_address_and_the_headers_that_are_sent(values: dict[str, str]) -> None:
    connector, action = registry.find("pipedrive.create_person")
    values |= {} if "token" in values else {"api_domain": "https://acme.pipedrive.com"}
    inputs = Inputs(PIPEDRIVE_PERSON, PIPEDRIVE_PERSON)

    made = action_request.make(connector, action, inputs, values, key="k", onward=RelayHeaders(1))

    assert made.shown.url == made.request.url
    assert made.shown.headers.keys() == made.request.headers.keys()
    assert made.origin == ("https://acme.pipedrive.com" if "api_domain" in values else "https://api.pipedrive.com")
    assert not [secret for secret in values.values() if secret in made.record() and "pipedrive.com" not in secret]
