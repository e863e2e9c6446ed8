"""Doubles of services that keep webhooks: they send a handshake before they answer, as the real ones do."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import requests
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from relay.models import Connection, Workspace
from relay.models.fields import moment
from relay.timestamps import now
from tests.support.service_double import answer

BOARD = "5abbe4b7ddc1b351ef961413"
TRELLO = {"key": "0123456789abcdef", "token": "fedcba9876543210"}
GITHUB = {"token": "github_pat_0123456789abcdefghij"}
ASANA = {"token": "2/1204619611402300/1204619611402301:0123456789abcdef"}
STRIPE = {"key": "sk_test_0123456789abcdefghij"}
SHOPIFY = {"shop": "acme", "token": "shpat_0123456789abcdef0123456789abcdef"}
CALENDLY = {"token": "eyJraWQiOiIxY2UxZTEzNjE3ZGNmNzY2YjNjZWJjY2Y4ZGM1YmFmYThhNjVlNjg0"}
CALENDLY_USER = "https://api.calendly.com/users/BBBBBBBBBBBBBBBB"
CALENDLY_ORGANIZATION = "https://api.calendly.com/organizations/CCCCCCCCCCCCCCCC"
GRAPH_TOKENS = {"access_token": "graph-access-0123456789", "refresh_token": "graph-refresh-0123456789"}
# What Microsoft Graph sends to a URL before it accepts it, and until when a subscription of mail may last, in minutes.
VALIDATION = "Validation: Testing client application reachability for subscription Request-Id: 25460aad-0c2b"
GRAPH_MINUTES = 4_230
HOOK_SECRET = "b537207f20cbfa02357cf448134da559"


@dataclass
class WebhookService:
    """Webhooks by id. `reach`: where a handshake goes in place of the URL's own origin; "": no handshake is sent.

    `faults`: answers in place of the next ones, by method and path. `calls`: what was called, in order.
    """

    reach: str = ""
    hooks: dict[str, dict[str, Any]] = field(default_factory=dict)
    faults: dict[str, Response] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    handshakes: list[int] = field(default_factory=list)

    def __call__(self, request: Request) -> Response:
        call = f"{request.method} {request.path}"
        self.calls.append(call)
        if call in self.faults:
            return self.faults[call]
        for pattern, handler in self._handlers().items():
            if match := re.fullmatch(pattern, call):
                return handler(request, *match.groups())
        return answer({"message": f"nothing at {call}"}, 404)

    def _handlers(self) -> dict[str, Callable[..., Response]]:
        return {
            r"GET /1/tokens/\w+/webhooks": lambda _: answer(list(self.hooks.values())),
            "POST /1/webhooks/": self._trello,
            r"DELETE /1/webhooks/(\w+)": self._delete,
            "GET /1/members/me/boards": lambda _: answer([{"id": BOARD, "name": "Orders <b>"}]),
            r"GET /repos/\w+/\w+/hooks": lambda _: answer(list(self.hooks.values())),
            r"POST /repos/\w+/\w+/hooks": self._github,
            r"DELETE /repos/\w+/\w+/hooks/(\w+)": self._delete,
            "GET /api/1.0/webhooks": lambda _: answer({"data": list(self.hooks.values())}),
            "POST /api/1.0/webhooks": self._asana,
            r"DELETE /api/1.0/webhooks/(\w+)": self._delete,
            "GET /v1/webhook_endpoints": lambda _: answer({"data": list(self.hooks.values())}),
            "POST /v1/webhook_endpoints": self._stripe,
            r"DELETE /v1/webhook_endpoints/(\w+)": self._delete,
            "POST /admin/api/[0-9-]+/graphql.json": self._shopify,
            "GET /users/me": lambda _: answer(
                {"resource": {"name": "Ada", "uri": CALENDLY_USER, "current_organization": CALENDLY_ORGANIZATION}}
            ),
            "GET /webhook_subscriptions": self._calendly_list,
            "POST /webhook_subscriptions": self._calendly,
            r"DELETE /webhook_subscriptions/(\w+)": self._delete,
            "GET /v1.0/subscriptions": lambda _: answer({"value": list(self.hooks.values())}),
            "POST /v1.0/subscriptions": self._graph,
            r"PATCH /v1.0/subscriptions/(\w+)": self._graph_renew,
            r"DELETE /v1.0/subscriptions/(\w+)": self._delete,
            "GET /hooks": lambda _: answer({"hooks": list(self.hooks.values())}),
            "POST /hooks": self._brief,
            r"PATCH /hooks/(\w+)": self._renew,
            r"DELETE /hooks/(\w+)": self._delete,
        }

    def _keep(self, **hook: Any) -> dict[str, Any]:
        made_id = f"5abbe4b7ddc1b351ef96{len(self.hooks) + 1:04d}"
        self.hooks[made_id] = {"id": made_id, "gid": made_id, **hook}
        return self.hooks[made_id]

    def _delete(self, _: Request, made_id: str) -> Response:
        return answer({}) if self.hooks.pop(made_id, None) else answer({"message": "gone"}, 404)

    def _send(self, method: str, url: str, **options: Any) -> requests.Response | None:
        """Send a handshake, and keep the status of its answer."""
        if not self.reach:
            return None
        sent = requests.request(method, self.reach + urlsplit(url).path, timeout=10, **options)
        self.handshakes.append(sent.status_code)
        return sent

    def _trello(self, request: Request) -> Response:
        url, board = request.args["callbackURL"], request.args["idModel"]
        if any(hook["callbackURL"] == url and hook["idModel"] == board for hook in self.hooks.values()):
            return answer("A webhook with that callback, model, and token already exists", 400)
        sent = self._send("HEAD", url)
        if sent is not None and sent.status_code != 200:
            return answer("URL (...) did not return 200 status code", 400)
        return answer(self._keep(callbackURL=url, idModel=board, active=True))

    def _github(self, request: Request) -> Response:
        given = json.loads(request.data)
        shown = {**given["config"], "secret": "********"}
        made = self._keep(**{**given, "config": shown})
        self.secret = given["config"]["secret"]
        return answer(made, 201)

    def _asana(self, request: Request) -> Response:
        url = json.loads(request.data)["data"]["target"]
        sent = self._send("POST", url, headers={"X-Hook-Secret": HOOK_SECRET}, json={})
        if sent is not None and sent.headers.get("X-Hook-Secret") != HOOK_SECRET:
            return answer({"errors": [{"message": "The handshake secret did not return."}]}, 400)
        return answer({"data": self._keep(target=url)}, 201)

    def _stripe(self, request: Request) -> Response:
        made = self._keep(url=request.form["url"], enabled_events=request.form.getlist("enabled_events[]"))
        return answer({**made, "secret": "whsec_0123456789abcdef"})

    def _shopify(self, request: Request) -> Response:
        given = json.loads(request.data)
        variables = given.get("variables", {})
        if "webhookSubscriptionCreate" in given["query"]:
            made = self._keep(topic=variables["topic"], uri=variables["hook"]["uri"])
            done = {"webhookSubscription": {"id": made["id"]}, "userErrors": []}
            return answer({"data": {"webhookSubscriptionCreate": done}})
        if "webhookSubscriptionDelete" in given["query"]:
            gone = self.hooks.pop(variables["id"], None)
            errors = [] if gone else [{"field": ["id"], "message": "Webhook subscription does not exist"}]
            return answer({"data": {"webhookSubscriptionDelete": {"userErrors": errors}}})
        return answer({"data": {"webhookSubscriptions": {"nodes": list(self.hooks.values())}}})

    def _calendly_list(self, request: Request) -> Response:
        if fault := _calendly_fault(request.args.to_dict()):
            return fault
        return answer({"collection": list(self.hooks.values()), "pagination": {}})

    def _calendly(self, request: Request) -> Response:
        given = json.loads(request.data)
        if fault := _calendly_fault(given):
            return fault
        if not given["events"] or not set(given["events"]) <= {"invitee.created", "invitee.canceled"}:
            return answer({"title": "Invalid Argument", "message": "events is invalid"}, 400)
        if any(hook.get("callback_url") == given["url"] for hook in self.hooks.values()):
            return answer({"title": "Already Exists", "message": "Hook with this url already exists"}, 409)
        self.secret = given["signing_key"]
        kept = self._keep(callback_url=given["url"], events=given["events"], scope=given["scope"])
        kept["uri"] = f"https://api.calendly.com/webhook_subscriptions/{kept['id']}"
        return answer({"resource": {"uri": kept["uri"], "callback_url": given["url"]}}, 201)

    def _graph(self, request: Request) -> Response:
        given = json.loads(request.data)
        needed = {"changeType", "notificationUrl", "resource", "expirationDateTime"}
        if not needed <= given.keys() or not set(given["changeType"].split(",")) <= {"created", "updated", "deleted"}:
            return _graph_fault("InvalidRequest", "A property is missing or invalid.")
        if fault := _graph_end_fault(given["expirationDateTime"]):
            return fault
        if len(given.get("clientState", "")) > 128:
            return _graph_fault("InvalidRequest", "clientState is too long.")
        sent = self._send("POST", given["notificationUrl"], params={"validationToken": VALIDATION})
        if sent is not None and (sent.status_code, sent.text) != (200, VALIDATION):
            return _graph_fault("ValidationError", "Subscription validation request failed.")
        if sent is not None and not sent.headers["Content-Type"].startswith("text/plain"):
            return _graph_fault("ValidationError", "The answer must be text/plain.")
        self.secret = given["clientState"]
        return answer(self._keep(**{key: value for key, value in given.items() if key != "clientState"}), 201)

    def _graph_renew(self, request: Request, made_id: str) -> Response:
        given = json.loads(request.data)
        if made_id not in self.hooks:
            return _graph_fault("ResourceNotFound", "The object was not found.", 404)
        if fault := _graph_end_fault(given["expirationDateTime"]):
            return fault
        self.hooks[made_id] |= given
        return answer(self.hooks[made_id])

    def _brief(self, request: Request) -> Response:
        given = json.loads(request.data)
        return answer({"hook": self._keep(**given), "key": "signing-key-0123456789"}, 201)

    def _renew(self, request: Request, made_id: str) -> Response:
        if made_id not in self.hooks:
            return answer({"message": "gone"}, 404)
        self.hooks[made_id]["until"] = json.loads(request.data)["until"]
        return answer(self.hooks[made_id])


def graph_connection(workspace: Workspace) -> Connection:
    """A connection to Microsoft Graph with an access token that is valid for an hour."""
    connection = Connection(workspace=workspace, name="Graph", connector="microsoft_graph", token_revision=1)
    connection.seal(GRAPH_TOKENS)
    connection.token_expires_at = moment(now() + 3_600_000_000)
    connection.save()
    return connection


def _calendly_fault(given: dict[str, Any]) -> Response | None:
    """What Calendly answers to parameters that don't fit together; None if they do."""
    scope = given.get("scope")
    is_whole = given.get("organization") == CALENDLY_ORGANIZATION and scope in ("user", "organization")
    if is_whole and given.get("user") == (CALENDLY_USER if scope == "user" else None):
        return None
    return answer({"title": "Invalid Argument", "message": "The supplied parameters are invalid."}, 400)


def _graph_fault(code: str, message: str, status: int = 400) -> Response:
    return answer({"error": {"code": code, "message": message}}, status)


def _graph_end_fault(end: str) -> Response | None:
    left = datetime.fromisoformat(end) - datetime.now(UTC)
    if timedelta() < left <= timedelta(minutes=GRAPH_MINUTES):
        return None
    return _graph_fault("ExtensionError", f"Subscription expiration can only be {GRAPH_MINUTES} minutes in the future.")


ORIGINS = (
    "https://api.calendly.com",
    "https://graph.microsoft.com",
    "https://api.trello.com",
    "https://api.github.com",
    "https://app.asana.com",
    "https://api.stripe.com",
    "https://acme.myshopify.com",
    "https://api.brief.example",
)


def in_place_of_all(server: HTTPServer, settings: Any) -> WebhookService:
    """The double is called in place of the services."""
    from relay.engine import http_client
    from relay.engine.service_calls import option_source

    double = WebhookService()
    server.expect_request(re.compile("/.*")).respond_with_handler(double)
    settings.ALLOWED_NETWORKS = ["127.0.0.0/8"]
    settings.CONNECTOR_URLS = dict.fromkeys(ORIGINS, server.url_for("").rstrip("/"))
    http_client.list_sender.cache_clear()
    option_source.forget()
    return double
