"""`relay vault check`, `rotate` and `drop-old`, beside a running Relay."""

from __future__ import annotations

import json
from typing import Any
from urllib.request import Request, urlopen

import pytest

from relay import vault
from tests.commands.conftest import Shell
from tests.support.running import Relay, wait_until

# No way goes there: a run has opened its connection when it says so.
ACTION = {"method": "POST", "url": "http://127.0.0.1:9/x", "sign": "standard-webhooks", "body": {"text": "x"}}
STEP = {"id": "send", "kind": "action", "action": "http.request", "connection": "Shop", "inputs": ACTION}
FLOW: dict[str, Any] = {
    "relay": 1,
    "name": "Orders",
    "trigger": {"kind": "webhook"},
    "steps": [{**STEP, "retry": {"delays": []}}],
}


def reason(relay: Relay, url: str) -> str:
    """Why the run of one more event failed."""
    known = len(relay.json("runs", "--json"))
    urlopen(Request(url, data=b"{}", headers={"Content-Type": "application/json"})).close()
    return str(wait_until(lambda: [run["reason"] for run in relay.json("runs", "--json")][: -known or None][0]))


@pytest.mark.exhaustive
def test_keys_are_rotated_while_all_runs_and_a_lost_one_is_named(relay_up: Relay) -> None:
    relay_up.command(
        "connection", "set", "Shop", "http", given='{"signing_secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}'
    )
    url = relay_up.json("import", "-", "--publish", given=json.dumps(FLOW))["url"]
    before = reason(relay_up, url)

    done = relay_up.json("vault", "rotate", "--drop-old", "--json")
    found = relay_up.json("vault", "check", "--json")

    assert "port 9" in before
    assert reason(relay_up, url) == before
    assert len(done["dropped"]) == 1
    assert found == {"keys": [{"key": done["key"], "here": True, "sealed": done["resealed"]}], "lost": []}

    relay_up.end()
    (relay_up.folder / "vault.keys").write_text(f"{vault.new_key()}\n")
    relay_up.start()
    checked = relay_up.run(["vault", "check"])

    assert (
        f"The connection “Shop” of My workspace can't be opened: it was sealed with the key {done['key']}"
        in checked.stdout
    )
    assert "The URL of the flow “Orders” of" in checked.stdout
    assert (checked.returncode, checked.stderr) == (
        1,
        f"relay: Of what is sealed, {done['resealed']} can't be opened.\n",
    )
    assert {flow["url"] for flow in relay_up.json("flows", "--json")} == {""}


def test_each_verb_says_what_it_did(shell: Shell) -> None:
    said = [shell("vault", verb) for verb in ("rotate", "drop-old", "drop-old", "check")]

    words = ["Sealed again with the key", "Removed", "nothing is sealed with", "HAS SEALED"]
    assert [word in text for word, text in zip(words, said, strict=True)] == [True] * 4
