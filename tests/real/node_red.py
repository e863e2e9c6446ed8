"""Node-RED with flows of these tests: it keeps what its HTTP-in nodes receive, and sends signed webhooks."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import requests

from tests.real.installing import node_environment, npm
from tests.real.programs import Program

VERSION = "5.0.7"
USER, PASSWORD = "relay", "correct horse battery"
SIGNING_SECRET = "a secret of the flow in Node-RED"

# Keeps each request, and answers 503 as often as the query says, with the time to wait.
_KEEP = """
const kept = global.get("kept") || [];
kept.push({
  at: Date.now(), method: msg.req.method, path: msg.req.path, query: msg.req.query, headers: msg.req.headers,
  payload: msg.payload,
  files: (msg.req.files || []).map((one) => ({
    field: one.fieldname, name: one.originalname, type: one.mimetype, content: one.buffer.toString("base64"),
  })),
});
global.set("kept", kept);
const id = msg.req.query.order || "none";
const before = kept.filter((one) => one.query.order === id).length;
const is_busy = before <= Number(msg.req.query.busy || 0);
msg.headers = is_busy ? {"Retry-After": "2"} : {"X-Made-By": "Node-RED"};
msg.statusCode = is_busy ? 503 : 201;
msg.payload = is_busy ? {error: "busy"} : {id, number: before};
return msg;
"""
_KEPT = 'msg.payload = global.get("kept") || []; return msg;'
# What is posted to /send is sent to Relay: {"url", "body", "secret"}.
_SIGN = """
const given = msg.payload;
const time = String(Math.floor(Date.now() / 1000));
const text = JSON.stringify(given.body);
const hash = crypto.createHmac("sha256", given.secret).update(`${time}.${text}`).digest("hex");
return {
  req: msg.req, res: msg.res, url: given.url, method: "POST", payload: text,
  headers: {"Content-Type": "application/json", "X-Time": time, "X-Signature": `sha256=${hash}`},
};
"""
_PLAIN = "return {req: msg.req, res: msg.res, url: msg.payload.url, method: 'POST', payload: msg.payload.body};"
_ANSWER = "msg.headers = {}; return msg;"


class NodeRed(Program):
    """A Node-RED on a free port, whose HTTP-in nodes need the Basic authentication of `USER`."""

    def start(self) -> NodeRed:
        modules = npm("node-red", VERSION) / "node_modules"
        env = node_environment()
        (self.folder / "settings.js").write_text(_settings(self.port, _hashed(modules, env)))
        words = ["node", str(modules / "node-red/red.js"), "--userDir", str(self.folder), "-s", "settings.js"]
        self.run(words, env, self._answers)
        self.deploy(flows())
        return self

    def deploy(self, nodes: list[dict[str, Any]]) -> None:
        """Replace all flows, by the API that its editor uses."""
        headers = {"Node-RED-API-Version": "v1"}
        requests.post(f"{self.url}/editor/flows", json=nodes, headers=headers, timeout=30).raise_for_status()

    def received(self, order: str) -> list[dict[str, Any]]:
        """What its HTTP-in nodes have received with this `order` in the query."""
        kept = requests.get(f"{self.url}/kept", auth=(USER, PASSWORD), timeout=10)
        kept.raise_for_status()
        return [one for one in kept.json() if one["query"].get("order") == order]

    def sends(self, path: str, given: dict[str, Any]) -> requests.Response:
        """Let it send a webhook; the answer is the one that it got."""
        return requests.post(f"{self.url}{path}", json=given, auth=(USER, PASSWORD), timeout=30)

    def _answers(self) -> bool:
        try:
            return requests.get(f"{self.url}/editor/settings", timeout=5).ok
        except requests.ConnectionError:
            return False


def flows() -> list[dict[str, Any]]:
    """The nodes of one tab."""
    nodes: list[dict[str, Any]] = [{"id": "tab", "type": "tab", "label": "Relay"}]
    for method in ("post", "put", "get"):
        nodes += _handler(f"{method}-orders", method, "/orders/:part", _KEEP, upload=method == "post")
    nodes += _handler("kept", "get", "/kept", _KEPT)
    nodes += _sender("signed", "/send-signed", _SIGN)
    nodes += _sender("basic", "/send-basic", _PLAIN, authType="basic", credentials={"user": USER, "password": PASSWORD})
    nodes += _sender("wrong", "/send-wrong", _PLAIN, authType="basic", credentials={"user": USER, "password": "no"})
    return nodes


def _handler(name: str, method: str, path: str, code: str, *, upload: bool = False) -> list[dict[str, Any]]:
    return [
        _node(f"{name}-in", "http in", [f"{name}-do"], url=path, method=method, upload=upload),
        _function(f"{name}-do", code, [f"{name}-out"]),
        _node(f"{name}-out", "http response", []),
    ]


def _sender(name: str, path: str, code: str, **request: Any) -> list[dict[str, Any]]:
    return [
        _node(f"{name}-in", "http in", [f"{name}-make"], url=path, method="post", upload=False),
        _function(f"{name}-make", code, [f"{name}-send"]),
        _node(f"{name}-send", "http request", [f"{name}-answer"], method="use", ret="txt", **request),
        _function(f"{name}-answer", _ANSWER, [f"{name}-out"]),
        _node(f"{name}-out", "http response", []),
    ]


def _function(name: str, code: str, then: list[str]) -> dict[str, Any]:
    libraries = [{"var": "crypto", "module": "crypto"}]
    return _node(name, "function", then, func=code, outputs=1, libs=libraries)


def _node(name: str, kind: str, then: list[str], **more: Any) -> dict[str, Any]:
    # Without a place on the tab, Node-RED takes a node for one of configuration.
    return {"id": name, "type": kind, "z": "tab", "name": name, "x": 0, "y": 0, "wires": [then], **more}


def _hashed(modules: Path, env: dict[str, str]) -> str:
    words = ["node", str(modules / "node-red-admin/node-red-admin.js"), "hash-pw"]
    done = subprocess.run(words, env=env, input=PASSWORD, capture_output=True, text=True, check=True, timeout=60)
    return done.stdout.split()[-1]


def _settings(port: int, hashed: str) -> str:
    settings = {
        "uiHost": "127.0.0.1",
        "uiPort": port,
        "flowFile": "flows.json",
        "credentialSecret": "of this test",
        "httpAdminRoot": "/editor",
        "httpNodeRoot": "/",
        "httpNodeAuth": {"user": USER, "pass": hashed},
        "functionExternalModules": True,
        "telemetry": {"enabled": False, "updateNotification": False},
        "editorTheme": {"tours": False},
        "logging": {"console": {"level": "info", "metrics": False, "audit": False}},
    }
    return f"module.exports = {json.dumps(settings)};"
