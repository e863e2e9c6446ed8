"""Services as recipes use them: what each accepts, refuses and answers."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs

from werkzeug import Request, Response

from relay.engine.configuration.recipes import KEY

CONNECTIONS: dict[str, tuple[str, dict[str, str]]] = {
    "Slack": ("slack", {"webhook_url": "https://hooks.slack.com/services/T000/B000/SLACKSLACKSLACK"}),
    "Trello": ("trello", {"key": "0123456789abcdef", "token": "fedcba9876543210"}),
    "Postmark": ("postmark", {"token": "0a1b2c3d-1111-2222-3333-444455556666"}),
    "HubSpot": ("hubspot", {"token": "pat-eu1-0a1b2c3d-1111"}),
    "EasyPost": ("easypost", {"api_key": "EZTK0a1b2c3d4e5f60718293"}),
    "Zendesk": ("zendesk", {"subdomain": "acme", "email": "agent@example.com", "token": "ffff000011112222"}),
    "Twilio": ("twilio", {"account_sid": "AC" + "0" * 32, "auth_token": "0f0f0f0f0f0f0f0f"}),
    "Pipedrive": ("pipedrive", {"token": "0a1b2c3d4e5f60718293a4b5"}),
    "Shopify": ("shopify", {"shop": "acme", "token": "shpat_0a1b2c3d4e5f60718293"}),
    "WooCommerce": (
        "woocommerce",
        {"url": "https://shop.example.com", "consumer_key": "ck_" + "0a" * 20, "consumer_secret": "cs_" + "0b" * 20},
    ),
    "Sendcloud": ("sendcloud", {"public_key": "0a1b2c3d4e5f6071", "secret_key": "8293a4b5c6d7e8f9"}),
    "Front end": ("http", {"signing_secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}),
    "Slack bot": ("slack_bot", {"token": "xoxb-0123456789-BOTBOTBOTBOT"}),
    "Google Sheets": ("google_sheets", {}),
}
# Access tokens of the connections by OAuth 2.0, which a person connects.
ACCESS_TOKENS = {"google_sheets": "ya29.0a1b2c3d4e5f60718293"}
ORIGINS = (
    "https://hooks.slack.com",
    "https://slack.com",
    "https://api.trello.com",
    "https://api.postmarkapp.com",
    "https://api.hubapi.com",
    "https://api.easypost.com",
    "https://acme.zendesk.com",
    "https://api.twilio.com",
    "https://api.pipedrive.com",
    "https://acme.myshopify.com",
    "https://shop.example.com",
    "https://panel.sendcloud.sc",
    "https://sheets.googleapis.com",
    "https://example.com",
)
# What has no business in a payment, an order or a name, and must come out as what it is: words.
HOSTILE = (
    '<!channel> <https://evil.example|free> <@U1> *b* "}],{{ 77777 * 77777 }}\r\nBcc: all@evil.example\r\n\r\n'
    "<script>alert(1)</script> &amp; é 漢\u202e\u0000"
)
_ADDRESS = re.compile(r"[^\s@<>,;]+@[a-z0-9.-]+\.[a-z]{2,}")


def _ensure(holds: Any, what: str) -> str:
    return "" if holds else what


def slack(body: Any) -> str:
    text = body.get("text")
    if not isinstance(text, str) or not 1 <= len(text.strip()) <= 40_000:
        return "no_text"
    marks = re.findall(r"<[^>]*>?", text)
    return _ensure(all(re.fullmatch(r"<https://[^|<>]+\|[^|<>]+>", mark) for mark in marks), f"markup: {marks}")


def slack_bot(body: Any) -> str:
    # The bot may address those who are there.
    text = body["text"].removeprefix("<!here> ") if isinstance(body.get("text"), str) else None
    return _ensure(re.fullmatch("[CD][0-9A-Z]+", body.get("channel", "")), "channel_not_found") or slack({"text": text})


def conversation(body: Any) -> str:
    return _ensure(re.fullmatch("[UW][0-9A-Z]+", body.get("users", "")), "user_not_found")


def trello(body: Any) -> str:
    due = body.get("due", "2026-01-01")
    return (
        _ensure(re.fullmatch("[0-9a-f]{24}", body.get("idList", "")), "invalid idList")
        or _ensure(0 < len(body.get("name", "").strip()) <= 16_384, "invalid name")
        or _ensure(len(body.get("desc", "")) <= 16_384, "invalid desc")
        or _ensure(re.match(r"\d{4}-\d\d-\d\d(T|$)", due), "invalid due")
    )


def postmark(body: Any) -> str:
    texts = [body.get(name) for name in ("From", "To", "Subject", "TextBody")]
    if not all(isinstance(text, str) and text.strip() for text in texts):
        return "From, To, Subject and TextBody are needed"
    answer_to = body.get("ReplyTo", "a@b.example")
    return (
        _ensure(_ADDRESS.fullmatch(body["To"]), f"invalid To: {body['To']}")
        or _ensure(_ADDRESS.fullmatch(answer_to), f"invalid ReplyTo: {answer_to}")
        or _ensure(not re.search(r"[\r\n]", body["Subject"]), "the subject has more than one line")
        or _ensure(len(body["Subject"]) <= 2000, "the subject is too long")
    )


def hubspot(body: Any) -> str:
    (one,) = body["inputs"]
    properties = one["properties"]
    return (
        _ensure(one["idProperty"] == "email" and _ADDRESS.fullmatch(one["id"]), "INVALID_EMAIL")
        or _ensure(properties["email"] == one["id"], "another address")
        or _ensure(all(isinstance(value, str) and value for value in properties.values()), "PROPERTY_DOESNT_EXIST")
    )


def shipment(body: Any) -> str:
    asked = body["shipment"]
    places = [asked["to_address"], asked["from_address"]]
    whole = {"name", "street1", "city", "zip", "country"}
    named = all(isinstance(text, str) and text for place in places for text in place.values())
    weight = asked["parcel"]["weight"]
    return (
        _ensure(all(whole <= place.keys() for place in places), "ADDRESS.REQUIRED")
        or _ensure(named, "ADDRESS.PARAMETERS.INVALID")
        or _ensure(isinstance(weight, int | float) and weight > 0, "PARCEL.WEIGHT.INVALID")
    )


def label(body: Any) -> str:
    return _ensure(body.keys() == {"rate"} and body["rate"]["id"].startswith("rate_"), "RATE.INVALID")


def zendesk(body: Any) -> str:
    ticket = body["ticket"]
    asks = ticket.get("requester", {"email": "a@b.example", "name": "A"})
    return (
        _ensure(ticket["subject"].strip() and ticket["comment"]["body"].strip(), "Subject: cannot be blank")
        or _ensure(not re.search(r"[\r\n]", ticket["subject"]), "Subject: has more than one line")
        or _ensure(ticket.get("priority", "low") in {"urgent", "high", "normal", "low"}, "Priority: is invalid")
        or _ensure(_ADDRESS.fullmatch(asks["email"]) and asks["name"].strip(), "Requester: is invalid")
        or _ensure(all(re.fullmatch(r"[a-z_-]+", tag) for tag in ticket.get("tags", ["a"])), "Tags: are invalid")
    )


def twilio(body: Any) -> str:
    fields = parse_qs(body, strict_parsing=True)
    numbers = [*fields["To"], *fields["From"]]
    return _ensure(all(re.fullmatch(r"\+[0-9]{7,15}", one) for one in numbers), "invalid number") or _ensure(
        1 <= len(fields["Body"][0]) <= 1600, "invalid body"
    )


def nothing(body: Any) -> str:
    return _ensure(not body, "a request for data has a body")


def person(body: Any) -> str:
    values = [body["emails"][0]["value"], *(one["value"] for one in body.get("phones", ()))]
    return (
        _ensure(0 < len(body["name"].strip()) <= 255, "name is invalid")
        or _ensure(_ADDRESS.fullmatch(values[0]), "email is invalid")
        or _ensure(all(0 < len(value) <= 320 for value in values), "a value is invalid")
    )


def deal(body: Any) -> str:
    return _ensure(0 < len(body["title"].strip()) <= 255 and isinstance(body["person_id"], int), "title is invalid")


def stock(body: Any) -> str:
    given = body["variables"]
    ids = [("item", "InventoryItem"), ("location", "Location")]
    return (
        _ensure(all(re.fullmatch(rf"gid://shopify/{kind}/[0-9]+", given[name]) for name, kind in ids), "Invalid id")
        or _ensure(isinstance(given["delta"], int) and given["key"], "Invalid quantity")
        or _ensure("@idempotent(key: $key)" in body["query"], "An idempotency key is required")
    )


def parcel(body: Any) -> str:
    given = body["parcel"]
    return (
        _ensure(all(given[name].strip() for name in ("name", "address", "city", "postal_code")), "is required")
        or _ensure(re.fullmatch("[A-Z]{2}", given["country"]), "country: is not supported")
        or _ensure(_ADDRESS.fullmatch(given.get("email", "a@b.example")), "email: is invalid")
        or _ensure(isinstance(given["shipment"]["id"], int), "shipment: is invalid")
    )


def note(body: Any) -> str:
    return _ensure(body["note"].strip() and isinstance(body["customer_note"], bool), "rest_invalid_param")


def order_field(body: Any) -> str:
    (one,) = body["meta_data"]
    return _ensure(one.keys() == {"key", "value"} and isinstance(one["value"], str), "Invalid parameter(s): meta_data")


def row(body: Any) -> str:
    (cells,) = body["values"]
    plain = all(cell is None or isinstance(cell, str | int | float) for cell in cells)
    return _ensure(plain, "Invalid values") or _ensure(all(len(str(cell)) <= 50_000 for cell in cells), "too long")


def anything(body: Any) -> str:
    return _ensure(body is not None, "nothing came")


SERVICES: dict[str, tuple[re.Pattern[str], Callable[[Any], str], int, Any]] = {
    "slack.post_message": (re.compile("/services/T000/B000/SLACKSLACKSLACK"), slack, 200, "ok"),
    "slack_bot.post_message": (
        re.compile("/api/chat.postMessage"),
        slack_bot,
        200,
        {"ok": True, "channel": "C024BE91L", "ts": "1772702142.000100"},
    ),
    "slack_bot.direct_message.person": (
        re.compile("/api/users.lookupByEmail"),
        nothing,
        200,
        {"ok": True, "user": {"id": "W012A3CDE"}},
    ),
    "slack_bot.direct_message.conversation": (
        re.compile("/api/conversations.open"),
        conversation,
        200,
        {"ok": True, "channel": {"id": "D069C7QFK"}},
    ),
    # The first one with its path answers.
    "slack_bot.direct_message": (re.compile("/api/chat.postMessage"), slack_bot, 200, {"ok": True}),
    "trello.list_due_cards": (re.compile("/1/boards/[0-9a-f]{24}/cards/open"), nothing, 200, []),
    "trello.create_card": (re.compile("/1/cards"), trello, 200, {"id": "65f0", "url": "https://trello.com/c/x"}),
    "postmark.send_mail": (re.compile("/email"), postmark, 200, {"ErrorCode": 0, "Message": "OK", "MessageID": "0a12"}),
    "hubspot.upsert_contact": (
        re.compile("/crm/v3/objects/contacts/batch/upsert"),
        hubspot,
        200,
        {"status": "COMPLETE", "results": [{"id": "101", "new": True}]},
    ),
    "easypost.create_shipment": (re.compile("/v2/shipments"), shipment, 201, {"id": "shp_1", "rates": []}),
    "easypost.buy_label": (re.compile("/v2/shipments/shp_[0-9a-z]+/buy"), label, 200, {}),
    "zendesk.create_ticket": (re.compile("/api/v2/tickets"), zendesk, 201, {"ticket": {"id": 35436}}),
    "twilio.send_sms": (
        re.compile("/2010-04-01/Accounts/AC0{32}/Messages.json"),
        twilio,
        201,
        {"sid": "SM01", "status": "queued"},
    ),
    "pipedrive.save_person.find": (
        re.compile("/api/v2/persons/search"),
        lambda _: "",
        200,
        {"success": True, "data": {"items": []}},
    ),
    "pipedrive.save_person": (re.compile("/api/v2/persons"), person, 200, {"success": True, "data": {"id": 12}}),
    "pipedrive.create_deal": (re.compile("/api/v2/deals"), deal, 200, {"success": True, "data": {"id": 55}}),
    "shopify.adjust_stock": (
        re.compile("/admin/api/2026-07/graphql.json"),
        stock,
        200,
        {"data": {"inventoryAdjustQuantities": {"userErrors": []}}},
    ),
    "sendcloud.buy_label": (re.compile("/api/v2/parcels"), parcel, 200, {"parcel": {"id": 629}}),
    "woocommerce.add_order_note": (re.compile("/wp-json/wc/v3/orders/[0-9]+/notes"), note, 201, {"id": 281}),
    "woocommerce.set_order_field": (re.compile("/wp-json/wc/v3/orders/[0-9]+"), order_field, 200, {"id": 727}),
    "sendcloud.find_parcels": (re.compile("/api/v2/parcels"), nothing, 200, {"parcels": []}),
    "sendcloud.cancel_label": (re.compile("/api/v2/parcels/[0-9]+/cancel"), nothing, 200, {"status": "cancelled"}),
    "google_sheets.add_row.header": (
        re.compile(r"/v4/spreadsheets/[0-9A-Za-z_-]+/values/'[^']+'!1:1"),
        nothing,
        200,
        {"values": [["Name", "E-mail", "Message"]]},
    ),
    "google_sheets.add_row": (
        re.compile(r"/v4/spreadsheets/[0-9A-Za-z_-]+/values/'[^']+'!A1:append"),
        row,
        200,
        {"updates": {"updatedRows": 1}},
    ),
    "http.request": (re.compile("/hooks/orders"), anything, 200, ""),
}


# They get data.
READING = {
    "sendcloud.find_parcels",
    "trello.list_due_cards",
    "slack_bot.direct_message.person",
    "pipedrive.save_person.find",
    "google_sheets.add_row.header",
}
# Requests without a body, and others than POST and GET.
EMPTY = {*READING, "sendcloud.cancel_label"}
METHODS = {"woocommerce.set_order_field": "PUT", **dict.fromkeys(READING, "GET")}


def _method(action: str) -> str:
    return METHODS.get(action, "POST")


def fault(action: str, body: Any) -> str:
    """What is wrong with the body of an action's request, as its service would see it; "" for nothing."""
    return SERVICES[action][1](body)


def _basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def _proofs() -> dict[str, Callable[[Request], bool]]:
    values = dict(CONNECTIONS.values())
    agent, sid = f"{values['zendesk']['email']}/token", values["twilio"]["account_sid"]
    headers = {
        "slack_bot": ("Authorization", f"Bearer {values['slack_bot']['token']}"),
        "google_sheets": ("Authorization", f"Bearer {ACCESS_TOKENS['google_sheets']}"),
        "postmark": ("X-Postmark-Server-Token", values["postmark"]["token"]),
        "hubspot": ("Authorization", f"Bearer {values['hubspot']['token']}"),
        "easypost": ("Authorization", _basic(values["easypost"]["api_key"], "")),
        "zendesk": ("Authorization", _basic(agent, values["zendesk"]["token"])),
        "twilio": ("Authorization", _basic(sid, values["twilio"]["auth_token"])),
        "pipedrive": ("x-api-token", values["pipedrive"]["token"]),
        "shopify": ("X-Shopify-Access-Token", values["shopify"]["token"]),
        "sendcloud": ("Authorization", _basic(*values["sendcloud"].values())),
        "woocommerce": ("Authorization", _basic(*list(values["woocommerce"].values())[1:])),
    }
    found = {one: lambda request, pair=pair: request.headers.get(pair[0]) == pair[1] for one, pair in headers.items()}
    return {**found, "trello": lambda request: values["trello"].items() <= request.args.to_dict().items()}


class Services:
    """All services at one local server. `answers`: what an action is answered in place of the usual."""

    def __init__(self) -> None:
        self.answers: dict[str, dict[str, Any]] = {}
        self.heard: list[tuple[str, str, Any]] = []
        self.refused: list[str] = []
        self._proofs = _proofs()

    def answer(self, request: Request) -> Response:
        found = [key for key, one in SERVICES.items() if one[0].fullmatch(request.path)]
        # Services have several methods at one path.
        action = next((key for key in found if _method(key) == request.method), found[0] if found else None)
        if action is None:
            return self._refuse(404, f"nothing is at {request.path}")
        if not self._proofs.get(action.partition(".")[0], lambda _: True)(request):
            return self._refuse(401, f"{action}: no credential")
        method = _method(action)
        if "Idempotency-Key" not in request.headers or request.method != method:
            return self._refuse(400, f"{action}: no key, or not a {method}")
        body = request.get_data(as_text=True).replace(request.headers["Idempotency-Key"], KEY)
        kind = "application/x-www-form-urlencoded" if action == "twilio.send_sms" else "application/json"
        given = request.headers.get("Content-Type", "")
        if action not in {"http.request", *EMPTY} and given != kind:
            return self._refuse(415, f"{action}: {given}")
        said = json.loads(body) if given == "application/json" else body
        if wrong := fault(action, said):
            return self._refuse(422, f"{action}: {wrong}")
        self.heard.append((request.method, request.full_path.rstrip("?"), said))
        return self._answered(action)

    def _refuse(self, status: int, why: str) -> Response:
        self.refused.append(why)
        return Response(why, status)

    def _answered(self, action: str) -> Response:
        _, _, status, body = SERVICES[action]
        given = self.answers.get(action, {"status": status, "body": body})
        if isinstance(given["body"], str):
            return Response(given["body"], given["status"], content_type="text/html")
        return Response(json.dumps(given["body"]), given["status"], content_type="application/json")
