"""Flows of a running Relay: published, started by a request, and waited for."""

from __future__ import annotations

import json
from typing import Any

import requests

from tests.support.running import Relay, wait_until

ENDED = ("succeeded", "partly_failed", "failed", "filtered", "cancelled", "held")


class Flow:
    """A live flow of a running Relay. `secret` verifies its sender: a text, or the parts of one."""

    def __init__(
        self, relay: Relay, name: str, *steps: dict[str, Any], trigger: dict[str, Any], secret: object = ""
    ) -> None:
        document = {"relay": 1, "name": name, "trigger": {"kind": "webhook", **trigger}, "steps": list(steps)}
        made = relay.json("import", "-", "--publish", given=json.dumps(document))
        self.relay, self.id, self.url = relay, str(made["flow"]), made["url"]
        if secret:
            relay.command("secret", "add", self.id, given=secret if isinstance(secret, str) else json.dumps(secret))

    def start(self, body: object = None, **more: Any) -> None:
        """Send it an event."""
        answer = requests.post(self.url, **({"json": body} if body is not None else {}), timeout=30, **more)
        assert answer.status_code == 202, answer.text

    def runs(self) -> list[dict[str, Any]]:
        """Its runs, newest first."""
        listed: list[dict[str, Any]] = self.relay.json("runs", "--flow", self.id, "--json")
        return listed

    def ended(self, count: int = 1, *, seconds: float = 60.0) -> list[dict[str, Any]]:
        """Its runs, once this number exists and all have ended."""

        def all_ended() -> list[dict[str, Any]] | None:
            runs = self.runs()
            return runs if len(runs) == count and all(run["state"] in ENDED for run in runs) else None

        found: list[dict[str, Any]] = wait_until(all_ended, seconds=seconds, what=f"{count} runs have ended")
        return found

    def succeeded(self) -> None:
        """Wait until its only run has ended, which must have succeeded."""
        found = [(run["state"], run["reason"]) for run in self.ended()]
        assert found == [("succeeded", "")], found
