"""The chains of the catalogue: their calls are made with the connection of their action, and name what is there."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from relay import templating
from relay.connectors import chains, registry, request_builder, response_rules, status_checks
from relay.connectors.chains import MAX_KEY
from relay.connectors.definition import Action, Call, Connector
from relay.errors import RelayError
from relay.outbound import Answer, check_headers, check_url
from tests.connectors.test_catalogue import SECRETS, SPECS, samples, strings

CHAINS = [
    pytest.param(connector, action, id=f"{connector.key}.{action.key}")
    for connector in registry.list_connectors()
    for action in connector.actions
    if action.before
]
RATES = [
    {"id": "rate_a", "rate": "10.00", "carrier": "UPS"},
    {"id": "rate_b", "rate": "7.58", "carrier": "USPS"},
    {"id": "rate_c", "rate": "9", "carrier": "UPS"},
]


def answer(body: Any, status: int = 200) -> Answer:
    return Answer(status, {"content-type": "application/json"}, json.dumps(body).encode(), truncated=False, seconds=0.0)


@pytest.mark.parametrize(("connector", "action"), CHAINS)
def test_a_chain_names_only_what_comes_before(connector: Connector, action: Action) -> None:
    inputs, values = {one.key for one in action.inputs}, {one.key for one in connector.connection}
    values |= set(connector.oauth.own_keys) if connector.oauth is not None else set()
    known: set[str] = set()

    for made in [*action.before, action]:
        asked = [] if made.inquiry is None else [made.inquiry.url, made.inquiry.query, made.inquiry.about[1]]
        parts = [made.method, made.url, made.headers, made.query, made.basic, made.json, made.body, *asked]
        parts += [getattr(made, "when", ""), getattr(made, "refuse", "")]
        for name in {name for source in strings(parts) for name in templating.names(source)}:
            root, _, rest = name.partition(".")
            allowed = {"inputs": inputs, "connection": values, "calls": known, "key": {""}}
            assert root in allowed, name
            assert rest.split(".")[0].partition("[")[0] in {*allowed[root], ""}, name
        known.add(made.key)
    assert {one.call for one in action.outputs} <= {*(call.key for call in action.before), ""}
    assert len({call.key for call in action.before}) == len(action.before)
    assert all(call.key.isidentifier() and len(call.key) <= MAX_KEY and call.label for call in action.before)


@pytest.mark.parametrize(("connector", "action"), CHAINS)
def test_the_first_call_is_a_request_that_can_be_sent(connector: Connector, action: Action) -> None:
    call = chains.call_action(action, action.before[0])
    connection = SECRETS[connector.key]

    request = request_builder.build(connector, call, samples(action), connection, key="run-step.call")

    check_url(request.url)
    check_headers(request.headers)
    assert request.headers["Idempotency-Key"] == "run-step.call"
    assert request.only
    for secret in request_builder.secrets_of(connector, connection):
        assert secret.encode() not in (request.body or b"")


def bought(calls: dict[str, Any], **inputs: Any) -> Any:
    connector, action = registry.find("easypost.buy_cheapest_label")
    given = {**samples(action, required_only=True), **inputs}
    return request_builder.build(connector, action, given, SECRETS["easypost"], key="k", names={"calls": calls})


@pytest.mark.parametrize(
    ("rates", "carriers", "rate"),
    [
        (RATES, None, "rate_b"),
        (RATES, ["UPS"], "rate_c"),
        ([*RATES, {"id": "rate_d", "rate": "free", "carrier": "UPS"}], None, "rate_b"),
        ([*RATES, {"id": "rate_e", "rate": None, "carrier": "UPS"}], None, "rate_b"),
        (RATES, ["DHL"], ""),
        ([], None, ""),
    ],
)
def test_the_label_with_the_lowest_price_is_bought(rates: Any, carriers: Any, rate: str) -> None:
    calls = {"shipment": {"status": 201, "body": {"id": "shp_1", "rates": rates}}}

    request = bought(calls, **({"carriers": carriers} if carriers else {}))

    assert request.url == "https://api.easypost.com/v2/shipments/shp_1/buy"
    assert json.loads(request.body) == {"rate": {"id": rate}}


@pytest.mark.parametrize(
    "body", [None, [], "x", {"id": "..", "rates": []}, {"rates": RATES}, {"id": 1, "rates": "abc"}]
)
def test_no_label_is_bought_of_an_answer_that_is_none(body: Any) -> None:
    with pytest.raises(RelayError):
        bought({"shipment": {"status": 201, "body": body}})


def test_an_endless_list_of_rates_ends_at_the_limit_of_templates() -> None:
    rates = [{"id": f"rate_{number}", "rate": "5", "carrier": "UPS"} for number in range(200_000)]

    with pytest.raises(RelayError, match="limit"):
        bought({"shipment": {"status": 201, "body": {"id": "shp_1", "rates": rates}}})


def test_the_inquiry_of_a_chain_asks_about_what_its_call_made() -> None:
    connector, action = registry.find("easypost.buy_cheapest_label")
    calls = {"shipment": {"status": 201, "body": {"id": "shp_1", "rates": RATES}}}
    inputs = samples(action)
    asking = status_checks.inquiry_action(action)

    asked = request_builder.build(connector, asking, inputs, SECRETS["easypost"], key="k", names={"calls": calls})
    done = answer({"id": "shp_1", "postage_label": {"label_url": "https://x"}, "tracking_code": "T"})
    verdict = status_checks.judge(action, inputs, None, done, key="k", calls=calls)

    assert (asked.method, urlsplit(asked.url).path) == ("GET", "/v2/shipments/shp_1")
    assert verdict.kind == "succeeded"
    assert (verdict.outputs["shipment_id"], verdict.outputs["tracking_code"]) == ("shp_1", "T")
    other = answer({"id": "shp_2", "postage_label": {"label_url": "https://x"}})
    assert status_checks.judge(action, inputs, None, other, key="k", calls=calls).kind == "retry"


def person(found: list[int], **inputs: Any) -> Any:
    connector, action = registry.find("pipedrive.save_person")
    body = {"success": True, "data": {"items": [{"item": {"id": one}} for one in found]}}
    given = {**samples(action), **inputs}
    calls = {"find": {"status": 200, "body": body}}
    return request_builder.build(connector, action, given, SECRETS["pipedrive"], key="k", names={"calls": calls})


def test_a_person_that_is_not_found_is_created() -> None:
    request = person([])

    assert (request.method, request.url) == ("POST", "https://api.pipedrive.com/api/v2/persons")
    assert request.headers["x-api-token"] == SECRETS["pipedrive"]["token"]
    sent = json.loads(request.body)
    assert sent["emails"] == [{"value": "ada@example.com", "primary": True, "label": "work"}]


def test_a_person_that_is_found_is_updated_and_keeps_its_addresses() -> None:
    request = person([12, 13])

    assert (request.method, request.url) == ("PATCH", "https://api.pipedrive.com/api/v2/persons/12")
    assert json.loads(request.body).keys().isdisjoint({"emails", "phones"})


def test_a_person_is_found_by_the_whole_address() -> None:
    connector, action = registry.find("pipedrive.save_person")
    call = chains.call_action(action, action.before[0])

    request = request_builder.build(connector, call, samples(action), SECRETS["pipedrive"], key="k")

    assert request.url == (
        "https://api.pipedrive.com/api/v2/persons/search?term=ada%40example.com&fields=email&exact_match=true"
    )


def test_a_person_has_the_names_of_the_published_description() -> None:
    path = SPECS / "pipedrive.json"
    if not path.exists():
        pytest.skip("the published API description pipedrive.json is not beside this checkout")
    described = json.loads(path.read_text())["paths"]["/persons"]["post"]["requestBody"]["content"]["application/json"]

    sent = json.loads(person([]).body)

    names = described["schema"]["properties"]
    assert sent.keys() - {"custom_fields"} <= names.keys()
    assert sent["emails"][0].keys() <= names["emails"]["items"]["properties"].keys()
    assert sent["phones"][0].keys() <= names["phones"]["items"]["properties"].keys()


def test_a_call_is_skipped_when_its_condition_is_nothing() -> None:
    def made(when: str) -> bool:
        calls = {"find": {"status": 404, "body": None}}
        return chains.is_made(Call("x", "X", when=when), {"n": 0, "no": "false"}, None, calls)

    assert made("")
    assert made("{{ calls.find.status == 404 }}")
    assert made("{{ calls.find.status }}")
    nothing = ["{{ calls.find.body.id }}", "{{ calls.create.body.id }}", "{{ inputs.n }}", "{{ inputs.no }}"]
    assert not any(map(made, [*nothing, "{{ calls.find.status == 200 }}", "{% if inputs.n %}1{% endif %}", "{{ [] }}"]))


def test_an_output_of_a_call_is_an_output_of_the_action() -> None:
    _, action = registry.find("easypost.buy_cheapest_label")

    outputs = response_rules.outputs_of(
        action, answer({"tracking_code": "T"}), {"shipment": {"status": 201, "body": {"id": "shp_1"}}}
    )

    assert (outputs["shipment_id"], outputs["tracking_code"]) == ("shp_1", "T")
    assert "shipment_id" not in response_rules.outputs_of(action, answer({"id": "shp_9"}))


def test_a_recorded_purchase_is_read() -> None:
    path = SPECS / "easypost_cassettes" / "test_shipment_buy.yaml"
    if not path.exists():
        pytest.skip("the recorded exchange test_shipment_buy.yaml is not beside this checkout")
    recorded = yaml.safe_load(path.read_text())["interactions"]
    asked, bought_then = (json.loads(one["response"]["body"]["string"]) for one in (recorded[0], recorded[-1]))
    _, action = registry.find("easypost.buy_cheapest_label")

    calls = {"shipment": {"status": 201, "body": asked}}
    chosen = json.loads(bought(calls).body)["rate"]["id"]
    outputs = response_rules.outputs_of(action, answer(bought_then), calls)

    assert min(asked["rates"], key=lambda rate: float(rate["rate"]))["id"] == chosen
    assert {one.key for one in action.outputs} <= outputs.keys()
    assert outputs["shipment_id"] == asked["id"]
