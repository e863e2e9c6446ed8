"""Searches outputs and processes of a Relay for secrets, in all forms."""

from __future__ import annotations

import base64
import html
import json
from pathlib import Path
from urllib.parse import quote, quote_plus

from tests.support.running import Relay


def forms(secret: str) -> set[str]:
    """A secret as it may look where somebody quoted it."""
    found = {secret, quote(secret), quote(secret, safe=""), quote_plus(secret), html.escape(secret)}
    found |= {json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1], repr(secret)[1:-1]}
    found |= {html.escape(json.dumps(secret)[1:-1]), secret.encode().decode("latin-1")}
    for before in range(3):
        encoded = base64.b64encode(b"\0" * before + secret.encode()).decode()
        inner = encoded[(before * 4 + 2) // 3 : (before + len(secret.encode())) * 4 // 3]
        found |= {inner, inner.replace("+", "-").replace("/", "_")}
    return found


def found(canaries: dict[str, str], heard: dict[str, str]) -> list[tuple[str, str, str]]:
    """Which canary sings where, with what stands around it."""
    return [
        (name, place, text[max(0, text.index(form) - 120) : text.index(form) + 40])
        for name, secret in canaries.items()
        for form in forms(secret)
        for place, text in heard.items()
        if form in text
    ]


def processes(relay: Relay) -> dict[str, str]:
    """The command line and the environment of every process of a Relay, as the system shows them."""
    told = {}
    for number in [relay.pid, *_below(relay.pid)]:
        for what in ("cmdline", "environ"):
            text = Path(f"/proc/{number}/{what}").read_bytes().decode("latin-1")
            told[f"{what} of {number}"] = text.replace("\0", "\n")
    return told


def _below(pid: int) -> list[int]:
    children = [int(word) for file in Path(f"/proc/{pid}/task").glob("*/children") for word in file.read_text().split()]
    return [number for child in children for number in (child, *_below(child))]
