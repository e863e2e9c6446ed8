"""Tests the requests and answers of CRM systems, shops, shipping and payment services."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qsl

import pytest

from relay.connectors import calls, registry, request_builder
from relay.connectors.conformance import samples
from relay.errors import RequestRefused
from tests.support.service_cases import Answered, Sent, build, check_answered, check_sent

CONNECTIONS = {
    "hubspot": {"token": "pat-eu1-SECRETSECRET"},
    "pipedrive": {"token": "SECRETSECRETSECRET"},
    "zendesk": {"subdomain": "acme", "email": "ada@example.com", "token": "SECRETSECRETSECRET"},
    "shopify": {"shop": "acme", "token": "shpat_SECRETSECRETSECRET"},
    "woocommerce": {
        "url": "https://shop.example.com/store",
        "consumer_key": "ck_" + "0a" * 20,
        "consumer_secret": "cs_" + "0b" * 20,
    },
    "easypost": {"api_key": "EZTKSECRETSECRETSECRET"},
    "shippo": {"token": "shippo_test_SECRETSECRETSECRET"},
    "sendcloud": {"public_key": "SECRETSECRETSECRET", "secret_key": "SECRETSECRETSECRE2"},
    "paypal": {"client_id": "A" * 20, "client_secret": "SECRETSECRETSECRET", "access_token": "SECRETSECRETSECRE3"},
    "stripe": {"key": "sk_test_SECRETSECRETSECRET"},
}
HUBSPOT, PIPEDRIVE = "https://api.hubapi.com", "https://api.pipedrive.com/api/v2"
ZENDESK, WOO = "https://acme.zendesk.com/api/v2", "https://shop.example.com/store/wp-json/wc/v3"
SHOPIFY = "https://acme.myshopify.com/admin/api/2026-07/graphql.json"
STRIPE, SENDCLOUD = "https://api.stripe.com/v1", "https://panel.sendcloud.sc/api/v2"


def associated(record: str, kind: int) -> dict[str, Any]:
    return {"to": {"id": record}, "types": [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": kind}]}


SENT = [
    Sent(
        "hubspot.update_contact",
        {"contact_id": "ada+1@example.com", "first_name": "Ada", "phone": ""},
        "PATCH",
        f"{HUBSPOT}/crm/v3/objects/contacts/ada%2B1%40example.com?idProperty=email",
        {"properties": {"firstname": "Ada"}},
    ),
    Sent(
        "hubspot.update_contact",
        {"contact_id": 101, "properties": {"lifecyclestage": "lead"}},
        "PATCH",
        f"{HUBSPOT}/crm/v3/objects/contacts/101",
        {"properties": {"lifecyclestage": "lead"}},
    ),
    Sent(
        "hubspot.create_company",
        {"name": "Engines Ltd"},
        "POST",
        f"{HUBSPOT}/crm/v3/objects/companies",
        {"properties": {"name": "Engines Ltd"}, "associations": []},
    ),
    Sent(
        "hubspot.create_deal",
        {"name": "Order 1001", "stage": "qualified", "amount": "149.90", "contact_id": "101", "company_id": 501},
        "POST",
        f"{HUBSPOT}/crm/v3/objects/0-3",
        {
            "properties": {
                "dealname": "Order 1001",
                "pipeline": "default",
                "dealstage": "qualified",
                "amount": "149.9",
            },
            "associations": [associated("101", 3), associated("501", 341)],
        },
    ),
    Sent(
        "hubspot.update_deal_stage",
        {"deal_id": "9001", "stage": "closedwon"},
        "PATCH",
        f"{HUBSPOT}/crm/v3/objects/0-3/9001",
        {"properties": {"dealstage": "closedwon", "pipeline": "default"}},
    ),
    Sent(
        "hubspot.add_note",
        {"record": "tickets", "record_id": "7001", "note": "Called", "time": "2026-01-31T12:00:00Z"},
        "POST",
        f"{HUBSPOT}/crm/v3/objects/notes",
        {
            "properties": {"hs_note_body": "Called", "hs_timestamp": "2026-01-31T12:00:00Z"},
            "associations": [associated("7001", 228)],
        },
    ),
    Sent(
        "hubspot.associate",
        {"from": "contacts", "from_id": "101", "to": "companies", "to_id": "501"},
        "PUT",
        f"{HUBSPOT}/crm/v4/objects/contacts/101/associations/default/companies/501",
    ),
    Sent(
        "pipedrive.find_person",
        {"term": "ada & co@example.com"},
        "GET",
        f"{PIPEDRIVE}/persons/search?term=ada+%26+co%40example.com&fields=email&exact_match=true",
    ),
    Sent(
        "pipedrive.update_person",
        {"person_id": "12", "phone": "+4930901820"},
        "PATCH",
        f"{PIPEDRIVE}/persons/12",
        {"phones": [{"value": "+4930901820", "primary": True, "label": "work"}]},
    ),
    Sent(
        "pipedrive.update_deal",
        {"deal_id": 55, "status": "lost", "lost_reason": "Price", "stage_id": "3", "pipeline_id": 1},
        "PATCH",
        f"{PIPEDRIVE}/deals/55",
        {"status": "lost", "lost_reason": "Price", "stage_id": 3, "pipeline_id": 1},
    ),
    Sent(
        "pipedrive.update_deal",
        {"deal_id": 55, "status": "won", "lost_reason": "Price"},
        "PATCH",
        f"{PIPEDRIVE}/deals/55",
        {"status": "won"},
    ),
    Sent(
        "pipedrive.add_note",
        {"record": "organization", "record_id": 7, "content": "Called"},
        "POST",
        "https://api.pipedrive.com/v1/notes",
        {"content": "Called", "org_id": 7},
    ),
    Sent(
        "pipedrive.add_activity",
        {"subject": "Call", "person_id": 12},
        "POST",
        f"{PIPEDRIVE}/activities",
        {"subject": "Call", "type": "task", "participants": [{"person_id": 12, "primary": True}], "done": False},
    ),
    Sent(
        "zendesk.update_ticket",
        {"ticket_id": 35436, "ticket_status": "solved"},
        "PUT",
        f"{ZENDESK}/tickets/35436",
        {"ticket": {"status": "solved"}},
    ),
    Sent(
        "zendesk.add_comment",
        {"ticket_id": "35436", "body": "Sent"},
        "PUT",
        f"{ZENDESK}/tickets/35436",
        {"ticket": {"comment": {"body": "Sent", "public": False}}},
    ),
    Sent(
        "zendesk.find_tickets",
        {"query": "tags:x status<solved"},
        "GET",
        f"{ZENDESK}/search?query=type%3Aticket+tags%3Ax+status%3Csolved&sort_by=created_at&sort_order=desc",
    ),
    Sent(
        "zendesk.save_user",
        {"email": "ada@example.com", "name": "Ada"},
        "POST",
        f"{ZENDESK}/users/create_or_update",
        {"user": {"email": "ada@example.com", "name": "Ada"}},
    ),
    Sent(
        "woocommerce.set_order_status",
        {"order_id": 727, "order_status": "completed"},
        "PUT",
        f"{WOO}/orders/727",
        {"status": "completed"},
    ),
    Sent(
        "woocommerce.set_stock",
        {"product_id": 794, "quantity": 0},
        "PUT",
        f"{WOO}/products/794",
        {"manage_stock": True, "stock_quantity": 0},
    ),
    Sent(
        "woocommerce.set_stock",
        {"product_id": 794, "variation_id": 732, "quantity": 5},
        "PUT",
        f"{WOO}/products/794/variations/732",
        {"manage_stock": True, "stock_quantity": 5},
    ),
    Sent(
        "woocommerce.find_order",
        {"search": "Ada"},
        "GET",
        f"{WOO}/orders?search=Ada&status=any&orderby=date&order=desc&per_page=1",
    ),
    Sent(
        "sendcloud.get_rate",
        {"shipping_method_id": 8020, "from_country": "NL", "to_country": "DE", "weight": 1200},
        "GET",
        f"{SENDCLOUD}/shipping-price?shipping_method_id=8020&from_country=NL&to_country=DE&weight=1200&weight_unit=gram",
    ),
    Sent(
        "paypal.refund",
        {"capture_id": "7AA11111BB222222C", "extent": "part", "amount": "12", "currency": "EUR"},
        "POST",
        "https://api-m.paypal.com/v2/payments/captures/7AA11111BB222222C/refund",
        {"amount": {"value": "12", "currency_code": "EUR"}},
    ),
    Sent(
        "paypal.refund",
        {"capture_id": "7AA11111BB222222C", "extent": "all"},
        "POST",
        "https://api-m.paypal.com/v2/payments/captures/7AA11111BB222222C/refund",
        {},
    ),
    Sent("sendcloud.cancel_label", {"parcel_id": 629}, "POST", f"{SENDCLOUD}/parcels/629/cancel"),
    Sent(
        "shippo.track",
        {"carrier": "usps", "tracking_number": "1/2"},
        "GET",
        "https://api.goshippo.com/tracks/usps/1%2F2",
    ),
    Sent(
        "easypost.refund_label",
        {"shipment_id": "shp_16"},
        "POST",
        "https://api.easypost.com/v2/shipments/shp_16/refund",
        {},
    ),
    Sent(
        "stripe.find_customer",
        {"email": "ada+1@example.com"},
        "GET",
        f"{STRIPE}/customers?email=ada%2B1%40example.com&limit=1",
    ),
]


@pytest.mark.parametrize("case", SENT, ids=lambda case: case.id)
def test_an_action_sends_exactly_this(case: Sent) -> None:
    check_sent(case, CONNECTIONS[case.action.partition(".")[0]])


@pytest.mark.parametrize(
    ("action", "inputs", "variables"),
    [
        (
            "add_tags",
            {"order_id": 450789469, "tags": ["a", "b"]},
            {"id": "gid://shopify/Order/450789469", "tags": ["a", "b"]},
        ),
        (
            "set_note",
            {"order_id": "gid://shopify/Order/1", "note": 'a "b" } {'},
            {"input": {"id": "gid://shopify/Order/1", "note": 'a "b" } {'}},
        ),
        (
            "adjust_stock",
            {"inventory_item_id": 3, "location_id": "gid://shopify/Location/4", "delta": "-2"},
            {
                "item": "gid://shopify/InventoryItem/3",
                "location": "gid://shopify/Location/4",
                "delta": -2,
                "reason": "correction",
                "key": "run-step",
            },
        ),
        (
            "set_price",
            {"product_id": "1", "variant_id": "2", "price": "14.50"},
            {
                "product": "gid://shopify/Product/1",
                "variants": [{"id": "gid://shopify/ProductVariant/2", "price": "14.50"}],
            },
        ),
    ],
)
def test_shopify_gets_values_as_variables_only(action: str, inputs: dict[str, Any], variables: dict[str, Any]) -> None:
    _, found = registry.find(f"shopify.{action}")
    sent = Sent(f"shopify.{action}", inputs, "POST", SHOPIFY, {"query": found.json["query"], "variables": variables})

    request = check_sent(sent, CONNECTIONS["shopify"])

    assert request.headers["X-Shopify-Access-Token"] == CONNECTIONS["shopify"]["token"]


def test_shopify_fulfils_all_that_is_open_of_an_order() -> None:
    connector, action = registry.find("shopify.fulfil_order")
    inputs = {"order_id": 450789469, "tracking_number": "3SYZ"}
    (call,) = action.before

    asked = request_builder.build(
        connector, calls.as_action(call, action.inputs), inputs, CONNECTIONS["shopify"], key="run-step"
    )
    request = request_builder.build(
        connector,
        action,
        inputs,
        CONNECTIONS["shopify"],
        key="run-step",
        names={"calls": {"open": {"body": call.example}}},
    )

    assert json.loads(asked.body or b"")["variables"] == {"id": "gid://shopify/Order/450789469"}
    assert json.loads(request.body or b"")["variables"]["fulfillment"] == {
        "lineItemsByFulfillmentOrder": [{"fulfillmentOrderId": "gid://shopify/FulfillmentOrder/1046000777"}],
        "trackingInfo": {"number": "3SYZ"},
        "notifyCustomer": True,
    }


@pytest.mark.parametrize(("services", "bought"), [([], "b"), (["slow", "fast"], "b"), (["fast"], "c"), (["none"], "")])
def test_shippo_buys_the_cheapest_label_of_the_chosen_services(services: list[str], bought: str) -> None:
    connector, action = registry.find("shippo.buy_cheapest_label")
    rates = [("a", "10.5", "slow"), ("b", "9.95", "slow"), ("c", "12", "fast"), ("d", "", "fast")]
    body = {"rates": [{"object_id": one, "amount": amount, "servicelevel": {"token": to}} for one, amount, to in rates]}
    inputs = {**samples.inputs_of(action.inputs), "services": services}

    request = request_builder.build(
        connector, action, inputs, CONNECTIONS["shippo"], key="run-step", names={"calls": {"shipment": {"body": body}}}
    )

    assert json.loads(request.body or b"")["rate"] == bought


@pytest.mark.parametrize(
    ("action", "inputs", "path", "form"),
    [
        (
            "refund",
            {"payment_intent": "pi_1", "extent": "part", "amount": "1450", "metadata": {"order": 1001}},
            "/refunds",
            {"payment_intent": "pi_1", "amount": "1450", "metadata[order]": "1001"},
        ),
        ("refund", {"payment_intent": "pi_1", "extent": "all", "amount": 5}, "/refunds", {"payment_intent": "pi_1"}),
        (
            "create_invoice",
            {"customer_id": "cus_1"},
            "/invoices",
            {
                "customer": "cus_1",
                "collection_method": "send_invoice",
                "days_until_due": "30",
                "auto_advance": "false",
            },
        ),
        (
            "create_payment_link",
            {"price_id": "price_1", "redirect_url": "https://shop.example/thanks?a=1"},
            "/payment_links",
            {
                "line_items[0][price]": "price_1",
                "line_items[0][quantity]": "1",
                "after_completion[type]": "redirect",
                "after_completion[redirect][url]": "https://shop.example/thanks?a=1",
            },
        ),
        (
            "create_payment_link",
            {"price_id": "price_1", "quantity": 3},
            "/payment_links",
            {"line_items[0][price]": "price_1", "line_items[0][quantity]": "3"},
        ),
    ],
)
def test_stripe_gets_a_form_with_a_key(action: str, inputs: dict[str, Any], path: str, form: dict[str, str]) -> None:
    request = build(f"stripe.{action}", inputs, CONNECTIONS["stripe"])

    assert (request.method, request.url) == ("POST", f"{STRIPE}{path}")
    assert dict(parse_qsl((request.body or b"").decode())) == form
    assert request.headers["Idempotency-Key"] == "run-step"
    assert request.headers["Authorization"] == f"Bearer {CONNECTIONS['stripe']['key']}"


@pytest.mark.parametrize(
    ("action", "inputs", "message"),
    [
        ("pipedrive.create_deal", {"title": "A", "currency": "euro"}, "Currency"),
        ("shopify.add_tags", {"order_id": "gid://shopify/Product/1", "tags": ["a"]}, "Order"),
        ("shopify.set_price", {"product_id": "1", "variant_id": "2", "price": "-1"}, "Price"),
        ("stripe.refund", {"payment_intent": "pi_1", "extent": "part", "amount": 0}, "Amount"),
        ("stripe.refund", {"payment_intent": "pi_1", "extent": "part", "amount": ""}, "Amount is empty"),
        ("stripe.refund", {"payment_intent": "pi_1", "extent": "", "amount": 5}, "How much is empty"),
        ("paypal.refund", {"capture_id": "7AA11111BB222222C", "extent": "part", "amount": "1"}, "Currency is empty"),
        ("stripe.refund", {"payment_intent": "../customers"}, "Payment"),
        ("shippo.buy_label", {"rate_id": "rate?"}, "Rate"),
        ("hubspot.associate", {"from": "owners", "from_id": "1", "to": "deals", "to_id": "2"}, "Kind of the first"),
        ("woocommerce.set_stock", {"product_id": 1, "quantity": 1.5}, "Quantity"),
    ],
)
def test_values_beyond_the_limits_are_refused_before_they_are_sent(
    action: str, inputs: dict[str, Any], message: str
) -> None:
    with pytest.raises(RequestRefused, match=message):
        build(action, inputs, CONNECTIONS[action.partition(".")[0]])


def test_the_credentials_of_a_shop_go_to_its_address_only() -> None:
    connection = {**CONNECTIONS["woocommerce"], "url": "https://shop.example.com"}

    request = build("woocommerce.find_order", {"search": "Ada"}, connection)

    assert request.only == ("https://shop.example.com",)
    for bad in (
        "http://shop.example.com",
        "https://shop.example.com/?x=",
        "https://a@evil.example",
        "https://a.example/#",
    ):
        assert registry.connector("woocommerce").check_connection({**connection, "url": bad}).keys() == {"url"}


ADDRESSED = {"data": {"orders": {"pageInfo": {"hasPreviousPage": False}, "nodes": []}}}
ANSWERED = [
    Answered(
        "shopify.add_tags",
        200,
        {"data": {"tagsAdd": {"node": None, "userErrors": [{"field": ["id"], "message": "Order does not exist"}]}}},
        "failed",
        "The answer was 200: Order does not exist",
    ),
    Answered(
        "shopify.set_note",
        200,
        {"errors": [{"message": "Throttled", "extensions": {"code": "THROTTLED"}}]},
        "retry",
        'The answer was 200: {"errors": [{"message": "Throttled", "extensions": {"code": "THROTTLED"}}]}',
    ),
    Answered("shopify.find_order", 200, ADDRESSED, "succeeded"),
    Answered(
        "shopify.find_order",
        200,
        {"errors": [{"message": "Access denied for orders field."}]},
        "failed",
        "The answer was 200: Access denied for orders field.",
    ),
    Answered(
        "shippo.buy_label",
        201,
        {"status": "ERROR", "messages": [{"source": "USPS", "text": "The rate has expired"}]},
        "failed",
        "The answer was 201: The rate has expired",
    ),
    Answered(
        "pipedrive.find_person",
        200,
        {"success": True, "data": {"items": []}},
        "succeeded",
        outputs={"persons": []},
    ),
    Answered(
        "pipedrive.create_person",
        429,
        {"success": False, "error": "Rate limit exceeded"},
        "retry",
        "The answer was 429: Rate limit exceeded",
        headers={"x-ratelimit-remaining": "0", "x-ratelimit-reset": "2"},
        retry_after="2.000",
    ),
    Answered("hubspot.find_contact", 200, {"total": 0, "results": []}, "succeeded", outputs={"total": 0}),
    Answered(
        "stripe.refund",
        409,
        {"error": {"code": "idempotency_key_in_use", "message": "Another request is in progress"}},
        "retry",
        "The answer was 409: Another request is in progress",
    ),
    Answered(
        "stripe.refund",
        402,
        {"error": {"code": "charge_already_refunded", "message": "The charge has been refunded"}},
        "failed",
        "The answer was 402: The charge has been refunded",
    ),
    Answered(
        "sendcloud.get_rate",
        200,
        [{"price": "6.50", "currency": "EUR", "to_country": "DE"}],
        "succeeded",
        outputs={"price": "6.50", "currency": "EUR"},
    ),
    Answered("woocommerce.find_order", 200, [], "succeeded"),
    Answered(
        "woocommerce.set_stock",
        404,
        {"code": "woocommerce_rest_product_invalid_id", "message": "Invalid ID.", "data": {"status": 404}},
        "failed",
        "The answer was 404: Invalid ID.",
    ),
    Answered(
        "zendesk.add_comment",
        401,
        {"error": "Couldn't authenticate you"},
        "refused",
        'The answer was 401: {"error": "Couldn\'t authenticate you"}',
    ),
]


@pytest.mark.parametrize("case", ANSWERED, ids=lambda case: case.id)
def test_an_answer_has_its_outcome(case: Answered) -> None:
    check_answered(case)
