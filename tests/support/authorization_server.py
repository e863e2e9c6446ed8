"""A real authorization server with an API behind it, strict about what RFC 6749 and RFC 7636 demand."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import secrets
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, unquote_plus, urlencode, urlsplit

from relay.connectors.definition import Action, Connector, Field, OAuth2, Reply, Scope

ORIGIN = "https://accounts.example.com"  # which tests map to the server
CLIENT_ID, CLIENT_SECRET = "relay-client", "client s3cret/+%&"
REDIRECT = "http://127.0.0.1:8000/connections/authorized/"

TELL = Action(
    key="tell",
    label="Tell",
    url="/api/tell",
    inputs=(Field("text", "Text", required=True, example="hi"),),
    json={"text": "{{ inputs.text }}"},
)
EXAMPLE = Connector(
    key="example",
    label="Example",
    hosts=("{{ connection.api_url }}",),
    base_url="{{ connection.api_url }}",
    connection=(Field("region", "Region", pattern="[a-z]{2}", example="eu"),),
    auth=OAuth2(
        authorize_url=f"{ORIGIN}/authorize",
        token_url=f"{ORIGIN}/token",
        revoke_url=f"{ORIGIN}/revoke",
        scopes=(Scope("read", "read contacts"), Scope("write", "add contacts")),
        identity="{{ claims.email }}",
        setup=("Register it.",),
        keeps=("account",),
        base_url_from="api_url",
    ),
    reply=Reply(refused=(401,)),
    actions=(TELL,),
)
# The same for the client's own credentials, which are part of the connection.
MACHINE = Connector(
    key="machine",
    label="Machine",
    hosts=("accounts.example.com",),
    connection=(
        Field("client_id", "Client id", required=True, example=CLIENT_ID),
        Field("client_secret", "Client secret", required=True, secret=True),
    ),
    auth=OAuth2(token_url=f"{ORIGIN}/token", client="body"),
    reply=Reply(refused=(401,)),
    base_url=ORIGIN,
    actions=(TELL,),
)


@dataclass
class Grant:
    """What a person has agreed to. Only the newest refresh token is valid, and former ones `grace` more times."""

    refresh_token: str = ""
    former: Counter[str] = field(default_factory=Counter)
    access: dict[str, float] = field(default_factory=dict)
    is_revoked: bool = False


class Refused(Exception):
    """An error of RFC 6749: code and description."""

    def __init__(self, code: str, description: str = "", status: int = 400) -> None:
        super().__init__(code)
        self.code, self.description, self.status = code, description, status


class AuthorizationServer:
    """`with AuthorizationServer() as server:` answers on a free port; its attributes say how it behaves.

    `lifetime`: of access tokens. `rotates`: whether a refresh ends the former refresh token; `grace`: how many times
    that one works again. `refreshes`: how many succeeded. `fails`: statuses of the next answers of the token endpoint.
    `hold`: if set, the token endpoint waits for it after it has changed the grant, before it answers; `reached` is set
    then. `echoes`: whether errors repeat the request.
    """

    def __init__(self) -> None:
        self.lifetime: float | None = 3600
        self.rotates, self.grace = True, 0
        self.scopes = {"read", "write", "oauth", "crm.objects.contacts.read", "crm.objects.contacts.write"}
        self.granted: str | None = None
        self.needs_pkce, self.client_in = True, {"basic", "body"}
        self.redirects = {REDIRECT}
        self.fails: list[int] = []
        self.hold: threading.Event | None = None
        self.reached = threading.Event()
        self.pause = 0.0
        self.echoes = False
        self.asked: Counter[str] = Counter()
        self.refreshes = 0
        self.revoked: list[str] = []
        self.told: list[str] = []
        self.unauthorized = 0
        self._codes: dict[str, dict[str, str]] = {}
        self._grants: list[Grant] = []
        self._lock = threading.Lock()
        self._server = _Server(self)

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        if self.hold is not None:
            self.hold.set()
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def revoke_all(self) -> None:
        for grant in self._grants:
            grant.is_revoked = True

    def expire_all(self) -> None:
        """Let every access token end now, as if its time were over earlier than was said."""
        for grant in self._grants:
            grant.access.clear()

    def grant(self) -> dict[str, Any]:
        """Tokens without an authorization, for a connection that exists already."""
        with self._lock:
            self._grants.append(Grant())
            return self._issue(self._grants[-1])

    # Authorization

    def authorize(self, query: dict[str, str], decision: str) -> str:
        """Where the browser is sent after the person's decision. Raises Refused for what may not be redirected."""
        if query.get("client_id") != CLIENT_ID:
            raise Refused("invalid_client", "unknown client")
        if query.get("redirect_uri") not in self.redirects:
            raise Refused("redirect_uri_mismatch", "the redirect address is not registered")
        answer = {"state": query.get("state", "")}
        try:
            self._check_authorization(query)
            if decision != "allow":
                raise Refused("access_denied", "The user said no")
            code = secrets.token_urlsafe(24)
            self._codes[code] = query
            answer["code"] = code
        except Refused as error:
            answer |= {"error": error.code, "error_description": error.description}
        return f"{query['redirect_uri']}?{urlencode(answer)}"

    def _check_authorization(self, query: dict[str, str]) -> None:
        if query.get("response_type") != "code":
            raise Refused("unsupported_response_type")
        if not query.get("state"):
            raise Refused("invalid_request", "state is missing")
        if self.needs_pkce and (
            query.get("code_challenge_method") != "S256" or len(query.get("code_challenge", "")) != 43
        ):
            raise Refused("invalid_request", "PKCE is missing")
        if unknown := set(query.get("scope", "").split()) - self.scopes:
            raise Refused("invalid_scope", f"unknown: {' '.join(sorted(unknown))}")

    # Tokens

    def token(self, form: dict[str, str], header: str) -> dict[str, Any]:
        self.asked[form.get("grant_type", "")] += 1
        self._check_client(form, header)
        with self._lock:
            match form.get("grant_type"):
                case "authorization_code":
                    return self._of_code(form)
                case "refresh_token":
                    return self._of_refresh(form)
                case "client_credentials":
                    self._grants.append(Grant())
                    given = self._issue(self._grants[-1])
                    return {key: given[key] for key in given if key not in ("refresh_token", "id_token")}
        raise Refused("unsupported_grant_type")

    def _check_client(self, form: dict[str, str], header: str) -> None:
        if header.startswith("Basic "):
            user, _, password = base64.b64decode(header.removeprefix("Basic ")).decode().partition(":")
            pair, way = (unquote_plus(user), unquote_plus(password)), "basic"
            if "client_secret" in form:
                raise Refused("invalid_request", "two ways of client authentication")
        else:
            pair, way = (form.get("client_id", ""), form.get("client_secret", "")), "body"
        if pair != (CLIENT_ID, CLIENT_SECRET) or way not in self.client_in:
            raise Refused("invalid_client", "client authentication failed", 401)

    def _of_code(self, form: dict[str, str]) -> dict[str, Any]:
        query = self._codes.pop(form.get("code", ""), None)
        if query is None:
            raise Refused("invalid_grant", "the code is unknown or was used")
        if form.get("redirect_uri") != query["redirect_uri"]:
            raise Refused("invalid_grant", "redirect_uri does not match")
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        if self.needs_pkce and base64.urlsafe_b64encode(digest).rstrip(b"=").decode() != query["code_challenge"]:
            raise Refused("invalid_grant", "the verifier does not match the challenge")
        self._grants.append(Grant())
        return self._issue(self._grants[-1], scope=self.granted or query.get("scope", ""))

    def _of_refresh(self, form: dict[str, str]) -> dict[str, Any]:
        token = form.get("refresh_token", "")
        for grant in self._grants:
            if token and not grant.is_revoked and (token == grant.refresh_token or grant.former[token] > 0):
                if token != grant.refresh_token:
                    grant.former[token] -= 1
                self.refreshes += 1
                return self._issue(grant, keeps=not self.rotates)
        raise Refused("invalid_grant", "the refresh token is not valid")

    def _issue(self, grant: Grant, *, keeps: bool = False, scope: str = "") -> dict[str, Any]:
        access = secrets.token_urlsafe(24)
        grant.access[access] = time.time() + (self.lifetime or 1e9)
        given: dict[str, Any] = {
            "access_token": access,
            "token_type": "Bearer",
            "account": "A-1",
            "api_url": f"{ORIGIN}/v1?x=1",
        }
        if self.lifetime is not None:
            given["expires_in"] = self.lifetime
        if scope:
            given["scope"] = scope
        if not keeps:
            if grant.refresh_token and self.grace:
                grant.former[grant.refresh_token] = self.grace
            given["refresh_token"] = grant.refresh_token = secrets.token_urlsafe(24)
        claims = base64.urlsafe_b64encode(json.dumps({"email": "ada@example.com"}).encode()).rstrip(b"=").decode()
        return given | {"id_token": f"e30.{claims}.c2ln"}

    def accepts(self, header: str) -> bool:
        token = header.removeprefix("Bearer ")
        return any(not grant.is_revoked and grant.access.get(token, 0) > time.time() for grant in self._grants)

    def revoke(self, form: dict[str, str], header: str) -> None:
        self._check_client(form, header)
        token = form.get("token", "")
        self.revoked.append(token)
        for grant in self._grants:
            if token == grant.refresh_token or token in grant.access:
                grant.is_revoked = True

    def wait(self, form: dict[str, str]) -> None:
        """Keep back the answer to a renewal whose tokens are changed already."""
        time.sleep(self.pause)
        if self.hold is not None and form.get("grant_type") == "refresh_token":
            self.reached.set()
            self.hold.wait(60)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, owner: AuthorizationServer) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.owner = owner

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: who called was killed."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if parts.path != "/authorize" and not parts.path.endswith("/oauth/authorize"):
            self.answer(404, {"error": "not found"})
        elif "decision" in query:
            self.decide(query)
        else:
            self.page(parts.query)

    def page(self, query: str) -> None:
        links = "".join(
            f'<a href="?{html.escape(query)}&amp;decision={decision}">{label}</a> '
            for decision, label in (("allow", "Allow"), ("deny", "Deny"))
        )
        icon = '<link rel="icon" href="data:,">'
        self.send(200, f"<!doctype html>{icon}<title>Example</title><h1>Allow Relay?</h1>{links}", "text/html")

    def decide(self, query: dict[str, str]) -> None:
        try:
            target = self.server.owner.authorize(query, query.pop("decision"))
        except Refused as error:
            self.send(400, f"<h1>{error.code}</h1>{error.description}", "text/html")
            return
        self.send_response(302)
        self.send_header("Location", target)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"] or 0)).decode()
        header = self.headers.get("Authorization", "")
        if self.path.endswith("/token"):
            self.token(body, header)
        elif self.path == "/revoke":
            self.guarded(lambda: self.server.owner.revoke(_form(body), header) or {})
        elif not self.server.owner.accepts(header):
            self.server.owner.unauthorized += 1
            self.answer(401, {"message": f"Not authorized: {header}"})
        else:
            self.server.owner.told.append(body)
            self.answer(200, {"ok": True, "results": [{"id": "1", "new": True}]})

    def token(self, body: str, header: str) -> None:
        if not (self.headers.get("Content-Type") or "").startswith("application/x-www-form-urlencoded"):
            self.answer(400, {"error": "invalid_request", "error_description": "a form is needed"})
        elif self.server.owner.fails:
            self.answer(
                self.server.owner.fails.pop(0), {"message": f"Fault: {body}" if self.server.owner.echoes else "Fault"}
            )
        else:
            self.guarded(
                lambda: self.server.owner.token(_form(body), header), form=_form(body), sent=f"{body} {header}"
            )

    def guarded(self, act: Any, form: dict[str, str] | None = None, sent: str = "") -> None:
        try:
            status, found = 200, act()
        except Refused as error:
            told = f"{error.description} {unquote_plus(sent)}" if self.server.owner.echoes else error.description
            status, found = error.status, {"error": error.code, "error_description": told}
        self.server.owner.wait(form or {})
        self.answer(status, found)

    def answer(self, status: int, found: dict[str, Any]) -> None:
        self.send(status, json.dumps(found), "application/json")

    def send(self, status: int, text: str, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(text.encode())))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


def _form(body: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(body, keep_blank_values=True).items()}
