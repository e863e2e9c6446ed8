"""Writes the file of a new connector and its test fixture, which pass all tests as they are."""

from __future__ import annotations

import keyword
import re
from pathlib import Path
from string import Template

from relay.connectors import catalog, registry
from relay.errors import RelayError, SetupError

CATALOG = Path(catalog.__path__[0])
SERVICES = CATALOG.parents[2] / "tests" / "connectors" / "conformance" / "services"
_is_key = re.compile(r"[a-z][a-z0-9_]{0,39}").fullmatch

_CONNECTOR = Template('''\
"""$label: messages."""

from relay.connectors.definition import Action, BearerAuth, Connector, Field, Output, Reply

$constant = Connector(
    key="$key",
    label="$label",
    docs="https://docs.$host.example/api",
    help="Sends messages.",
    hosts=("api.$host.example",),
    base_url="https://api.$host.example/v1",
    auth=BearerAuth(),
    reply=Reply(error="message", refused=(401,)),
    connection=(Field("token", "Access token", required=True, secret=True, help="Where to find it."),),
    actions=(
        Action(
            key="send_message",
            label="Send a message",
            inputs=(
                Field("channel", "Channel", required=True, max_length=100, example="orders"),
                Field("text", "Message", kind="text", required=True, max_length=4_000, example="New order #1001"),
            ),
            url="/messages",
            json={"channel": "{{ inputs.channel }}", "text": "{{ inputs.text }}"},
            outputs=(Output("id", "Message id", "id", example="m_1"),),
            repeatable=False,
        ),
    ),
)
''')
_FIXTURE = Template("""\
{
  "source": "https://docs.$host.example/api",
  "servers": [{"url": "https://api.$host.example/v1"}],
  "components": {"securitySchemes": {"token": {"type": "http", "scheme": "bearer"}}},
  "security": [{"token": []}],
  "paths": {
    "/messages": {
      "post": {
        "requestBody": {
          "required": true,
          "content": {
            "application/json": {
              "schema": {
                "type": "object",
                "required": ["channel", "text"],
                "properties": {
                  "channel": {"type": "string", "maxLength": 100},
                  "text": {"type": "string", "maxLength": 4000}
                }
              }
            }
          }
        },
        "responses": {"200": {"description": "The message"}}
      }
    }
  }
}
""")


def write(key: str, label: str = "", *, catalog_folder: Path = CATALOG, services: Path = SERVICES) -> list[Path]:
    """Write the catalogue file and the test fixture of a connector; the paths that were written.

    Raises RelayError for a key that is none or is taken, and SetupError outside a checkout.
    """
    if not _is_key(key) or keyword.iskeyword(key):
        raise RelayError(f"{key[:60]!r} is no key: up to 40 lowercase letters, digits and _, as my_service")
    if any(key == connector.key for connector in registry.list_connectors()):
        raise RelayError(f"There is a connector {key} already")
    if not services.is_dir():
        raise SetupError(f"Run this in a checkout of Relay: there is no folder {services}")
    name = _quotable(label) or key.replace("_", " ").capitalize()
    values = {"key": key, "label": name, "constant": key.upper(), "host": key.replace("_", "-")}
    files = {catalog_folder / f"{key}.py": _CONNECTOR, services / f"{key}.json": _FIXTURE}
    if taken := [path for path in files if path.exists()]:
        raise RelayError(f"{taken[0]} exists already")
    for path, template in files.items():
        path.write_text(template.substitute(values), encoding="utf-8")
    return list(files)


def _quotable(label: str) -> str:
    """A label as it may stand between quotes in Python, on one line."""
    return " ".join("".join(letter for letter in label if letter.isprintable() and letter not in '"\\').split())[:80]
