"""Salesforce: queries that no value can change, and requests that go to the address of the account."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from relay.connectors import refusals, registry, request_builder
from relay.connectors.credential_scope import destinations
from relay.connectors.input_coercion import coerce_inputs
from relay.errors import ActionRefused, RelayError, RequestRefused
from relay.outbound import Request
from relay.templating import compile_leaf

ORG = "https://acme.my.salesforce.com"
CONNECTION = {"access_token": "00D!token", "instance_url": ORG}
FIND = {"object": "Contact", "field": "Email", "value": "ada@example.com"}


def built(name: str, inputs: dict[str, Any], connection: dict[str, str] = CONNECTION) -> Request:
    connector, action = registry.find(f"salesforce.{name}")
    return request_builder.build(connector, action, inputs, connection, key="run-1")


def query_of(request: Request) -> str:
    (query,) = parse_qs(urlsplit(request.url).query)["q"]
    return query


@pytest.mark.parametrize(
    ("value", "literal"),
    [
        ("ada@example.com", "'ada@example.com'"),
        ("x' OR Name != '", r"'x\' OR Name != \''"),
        ("x\\' OR Name != ''", r"'x\\\' OR Name != \'\''"),
        ("a\nb\rc\td\x00e\x7f", r"'a\nb\rc\td\u0000e\u007f'"),
        ("%_", "'%_'"),
        ("李 é", "'李 é'"),
    ],
)
def test_a_value_stays_a_value_of_the_query(value: str, literal: str) -> None:
    request = built("find_record", {**FIND, "value": value})

    assert request.url.startswith(f"{ORG}/services/data/v62.0/query?q=")
    assert query_of(request) == (
        f"SELECT FIELDS(ALL) FROM Contact WHERE Email = {literal} ORDER BY CreatedDate DESC LIMIT 1"
    )


NUMBER = {"object": "Order__c", "field": "Number__c", "value": "-1001.5", "value_kind": "number"}


def test_a_number_is_not_quoted() -> None:
    assert "WHERE Number__c = -1001.5 ORDER" in query_of(built("find_record", NUMBER))


@pytest.mark.parametrize("value", ["1 OR Id != null", "1\n", "1e5", "", "null", "(1)", "١"])
def test_what_is_no_number_is_refused(value: str) -> None:
    _, action = registry.find("salesforce.find_record")

    with pytest.raises(ActionRefused, match="must be a number"):
        refusals.check(action, {**NUMBER, "value": value}, {})


@pytest.mark.parametrize(
    "changes",
    [
        {"object": "Contact WHERE Id != null"},
        {"object": "Contact'"},
        {"object": "../Account"},
        {"field": "Email != null OR Email"},
        {"field": "Email--"},
        {"field": "a.b.c.d.e.f"},
    ],
)
def test_names_are_only_names(changes: dict[str, str]) -> None:
    with pytest.raises(RequestRefused, match="doesn't look right"):
        built("find_record", {**FIND, **changes})


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("{{ x | soql }}", "'a\\'b'"),
        ("{{ [x, 1, none, true] | soql }}", "('a\\'b', 1, null, true)"),
        ("{{ 1.5 | soql }}", "1.5"),
        ("{{ none | soql }}", "null"),
        ("{{ false | soql }}", "false"),
    ],
)
def test_the_filter_writes_values(template: str, text: str) -> None:
    assert str(compile_leaf(template).render({"x": "a'b"})) == text


@pytest.mark.parametrize("template", ["{{ [] | soql }}", "{{ {'a': 1} | soql }}", "{{ [[1]] | soql }}"])
def test_the_filter_refuses_what_is_no_value(template: str) -> None:
    with pytest.raises(RelayError, match="`soql` needs"):
        compile_leaf(template).render({})


def test_an_external_id_is_one_part_of_the_path_and_not_in_the_body() -> None:
    fields = {"LastName": "Lovelace", "Shop_Id__c": "1001"}
    request = built(
        "save_record",
        {"object": "Contact", "external_field": "Shop_Id__c", "external_value": "a/b?c", "fields": fields},
    )

    assert (request.method, request.url) == (
        "PATCH",
        f"{ORG}/services/data/v62.0/sobjects/Contact/Shop_Id__c/a%2Fb%3Fc",
    )
    assert json.loads(request.body or b"") == {"LastName": "Lovelace"}


@pytest.mark.parametrize("fields", [["a"], "text", 7])
def test_fields_are_an_object(fields: Any) -> None:
    _, action = registry.find("salesforce.create_record")
    inputs = coerce_inputs(action, {"object": "Contact", "fields": json.dumps(fields)})

    with pytest.raises(ActionRefused, match="Fields must be an object"):
        refusals.check(action, inputs, {})


def test_tokens_go_to_the_address_of_the_account_alone() -> None:
    connector, _ = registry.find("salesforce.find_record")

    assert destinations(connector, CONNECTION) == (ORG,)
    assert built("find_record", FIND).headers["Authorization"] == "Bearer 00D!token"
    with pytest.raises(RelayError):
        built("find_record", FIND, {"access_token": "00D!token"})
