"""n8n with workflows of these tests: webhooks that answer what they receive, and requests to Relay."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import requests

from tests.real.installing import node_environment, npm
from tests.real.programs import Program, free_port

VERSION = "2.40.7"
# Those of its dependencies that are compiled; the others that want to be are for services that no test uses.
COMPILED = ("sqlite3", "isolated-vm")
HEADER, TOKEN = "X-Relay-Token", "a token of the workflow"
SIGNING_SECRET = "a secret of the workflow"

_OWNER = {"email": "ada@example.com", "firstName": "Ada", "lastName": "Lovelace", "password": "Correct horse 1"}
_SCOPES = ["workflow:create", "workflow:activate", "credential:create"]
_SETTINGS = {
    "N8N_LISTEN_ADDRESS": "127.0.0.1",
    "N8N_DIAGNOSTICS_ENABLED": "false",
    "N8N_VERSION_NOTIFICATIONS_ENABLED": "false",
    "N8N_TEMPLATES_ENABLED": "false",
    "N8N_PERSONALIZATION_ENABLED": "false",
    "N8N_COMMUNITY_PACKAGES_ENABLED": "false",
    "N8N_SECURE_COOKIE": "false",
    "N8N_ENCRYPTION_KEY": "of this test",
}


class N8n(Program):
    """An n8n on a free port, whose webhooks need the header `HEADER`."""

    def start(self) -> N8n:
        program = npm("n8n", VERSION, compiled=COMPILED) / "node_modules/n8n/bin/n8n"
        ports = {"N8N_PORT": str(self.port), "N8N_RUNNERS_BROKER_PORT": str(free_port())}
        env = {**node_environment(), **_SETTINGS, **ports, "N8N_USER_FOLDER": str(self.folder)}
        self.run(["node", str(program), "start"], env, self._answers)
        self._sign_up()
        credential = self._call("credentials", _header_credential())["id"]
        for workflow in workflows(credential):
            self._call(f"workflows/{self._call('workflows', workflow)['id']}/activate", {})
        return self

    def webhook(self, path: str) -> str:
        """The URL of a webhook of a workflow."""
        return f"{self.url}/webhook/{path}"

    def sends(self, path: str, given: dict[str, Any]) -> tuple[int, Any]:
        """Let it send a webhook: the status and the body that it got."""
        answer = requests.post(self.webhook(path), json=given, headers={HEADER: TOKEN}, timeout=60)
        answer.raise_for_status()
        said = answer.json()
        return said["statusCode"], said.get("body", said.get("data"))

    def _sign_up(self) -> None:
        session = requests.Session()
        session.post(f"{self.url}/rest/owner/setup", json=_OWNER, timeout=30).raise_for_status()
        wanted = {"label": "tests", "expiresAt": None, "scopes": _SCOPES}
        answer = session.post(f"{self.url}/rest/api-keys", json=wanted, timeout=30)
        answer.raise_for_status()
        self._key = answer.json()["data"]["rawApiKey"]

    def _call(self, path: str, body: dict[str, Any]) -> Any:
        """A call of its public API."""
        answer = requests.post(f"{self.url}/api/v1/{path}", json=body, headers={"X-N8N-API-KEY": self._key}, timeout=60)
        assert answer.ok, f"n8n answered {answer.status_code} to {path}: {answer.text}"
        return answer.json()

    def _answers(self) -> bool:
        try:
            return requests.get(f"{self.url}/healthz/readiness", timeout=5).ok
        except requests.ConnectionError:
            return False


def workflows(credential: str) -> list[dict[str, Any]]:
    """The workflows, each of which begins with a webhook that has the path of its name."""
    auth = {"httpHeaderAuth": {"id": credential, "name": "Relay"}}
    read = _node("Read", "extractFromFile", 1, operation="binaryToPropery", binaryPropertyName="document")
    sign = _node(
        "Sign",
        "crypto",
        1,
        action="hmac",
        type="SHA256",
        value="={{ JSON.stringify($json.body.body) }}",
        secret="={{ $json.body.secret }}",
        dataPropertyName="signature",
        encoding="hex",
    )
    signature = {"parameters": [{"name": "X-Signature", "value": "={{ $json.signature }}"}]}
    signed = _request(sendHeaders=True, headerParameters=signature)
    token = _request(authentication="genericCredentialType", genericAuthType="httpHeaderAuth")
    return [
        _workflow("orders", auth),
        _workflow("files", auth, read),
        _workflow("send-signed", auth, sign, signed),
        _workflow("send-token", auth, {**token, "credentials": auth}),
    ]


def _header_credential() -> dict[str, Any]:
    return {"name": "Relay", "type": "httpHeaderAuth", "data": {"name": HEADER, "value": TOKEN}}


def _workflow(path: str, auth: dict[str, Any], *then: dict[str, Any]) -> dict[str, Any]:
    """A webhook that answers with the output of the last node."""
    values = {"httpMethod": "POST", "path": path, "authentication": "headerAuth", "responseMode": "lastNode"}
    webhook = {**_node("Webhook", "webhook", 2.1, **values), "credentials": auth, "webhookId": path}
    nodes = [webhook, *then]
    links = {
        one["name"]: {"main": [[{"node": other["name"], "type": "main", "index": 0}]]} for one, other in pairwise(nodes)
    }
    return {"name": path, "nodes": nodes, "connections": links, "settings": {"executionOrder": "v1"}}


def _request(**more: Any) -> dict[str, Any]:
    """A request with the body and to the URL that the webhook was given."""
    return _node(
        "Send",
        "httpRequest",
        4.2,
        method="POST",
        url="={{ $('Webhook').item.json.body.url }}",
        sendBody=True,
        contentType="raw",
        rawContentType="application/json",
        body="={{ JSON.stringify($('Webhook').item.json.body.body) }}",
        options={"response": {"response": {"fullResponse": True, "neverError": True}}},
        **more,
    )


def _node(name: str, kind: str, version: float, **parameters: Any) -> dict[str, Any]:
    base = {"id": name, "name": name, "type": f"n8n-nodes-base.{kind}", "typeVersion": version, "position": [0, 0]}
    return {**base, "parameters": parameters}
