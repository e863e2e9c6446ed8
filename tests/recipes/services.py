"""Services as recipes meet them: what each takes, what it refuses, and what it answers."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs

from werkzeug import Request, Response

from relay.engine.recipes import KEY

CONNECTIONS: dict[str, tuple[str, dict[str, str]]] = {
    "Slack": ("slack", {"webhook_url": "https://hooks.slack.com/services/T000/B000/SLACKSLACKSLACK"}),
    "Trello": ("trello", {"key": "0123456789abcdef", "token": "fedcba9876543210"}),
    "Postmark": ("postmark", {"token": "0a1b2c3d-1111-2222-3333-444455556666"}),
    "HubSpot": ("hubspot", {"token": "pat-eu1-0a1b2c3d-1111"}),
    "EasyPost": ("easypost", {"api_key": "EZTK0a1b2c3d4e5f60718293"}),
    "Zendesk": ("zendesk", {"subdomain": "acme", "email": "agent@example.com", "token": "ffff000011112222"}),
    "Twilio": ("twilio", {"account_sid": "AC" + "0" * 32, "auth_token": "0f0f0f0f0f0f0f0f"}),
}
ORIGINS = (
    "https://hooks.slack.com",
    "https://api.trello.com",
    "https://api.postmarkapp.com",
    "https://api.hubapi.com",
    "https://api.easypost.com",
    "https://acme.zendesk.com",
    "https://api.twilio.com",
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


def anything(body: Any) -> str:
    return _ensure(body is not None, "nothing came")


SERVICES: dict[str, tuple[re.Pattern[str], Callable[[Any], str], int, Any]] = {
    "slack.post_message": (re.compile("/services/T000/B000/SLACKSLACKSLACK"), slack, 200, "ok"),
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
    "http.request": (re.compile("/hooks/orders"), anything, 200, ""),
}


def fault(action: str, body: Any) -> str:
    """What is wrong with the body of an action's request, as its service would see it; "" for nothing."""
    return SERVICES[action][1](body)


def _basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def _proofs() -> dict[str, Callable[[Request], bool]]:
    values = dict(CONNECTIONS.values())
    agent, sid = f"{values['zendesk']['email']}/token", values["twilio"]["account_sid"]
    headers = {
        "postmark": ("X-Postmark-Server-Token", values["postmark"]["token"]),
        "hubspot": ("Authorization", f"Bearer {values['hubspot']['token']}"),
        "easypost": ("Authorization", _basic(values["easypost"]["api_key"], "")),
        "zendesk": ("Authorization", _basic(agent, values["zendesk"]["token"])),
        "twilio": ("Authorization", _basic(sid, values["twilio"]["auth_token"])),
    }
    found = {one: lambda request, pair=pair: request.headers.get(pair[0]) == pair[1] for one, pair in headers.items()}
    return {**found, "trello": lambda request: request.args.to_dict() == values["trello"]}


class Services:
    """All services at one local server. `answers`: what an action is answered in place of the usual."""

    def __init__(self) -> None:
        self.answers: dict[str, dict[str, Any]] = {}
        self.heard: list[tuple[str, str, Any]] = []
        self.refused: list[str] = []
        self._proofs = _proofs()

    def answer(self, request: Request) -> Response:
        action = next((key for key, one in SERVICES.items() if one[0].fullmatch(request.path)), None)
        if action is None:
            return self._refuse(404, f"nothing is at {request.path}")
        if not self._proofs.get(action.partition(".")[0], lambda _: True)(request):
            return self._refuse(401, f"{action}: no credential")
        if "Idempotency-Key" not in request.headers or request.method != "POST":
            return self._refuse(400, f"{action}: no key, or not posted")
        body = request.get_data(as_text=True).replace(request.headers["Idempotency-Key"], KEY)
        kind = "application/x-www-form-urlencoded" if action == "twilio.send_sms" else "application/json"
        if action != "http.request" and request.headers["Content-Type"] != kind:
            return self._refuse(415, f"{action}: {request.headers['Content-Type']}")
        said = json.loads(body) if request.headers["Content-Type"] == "application/json" else body
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
