"""The words in which a connector is described: Connector, Action, Inquiry, Preset, Field, Output, Reply, Success."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Literal

from relay.signatures import Handshake, Named, Scheme

FieldKind = Literal["string", "text", "url", "number", "boolean", "choice", "json", "list"]
Target = Literal["http", "inbox"]


@dataclass(frozen=True, slots=True)
class Field:
    """One input of an action, or one value of a connection.

    `secret`: sealed, never shown again. `pattern`: what a constant or a connection's value must match whole.
    `options` for kind `choice`. `example` serves forms, tests and previews.
    """

    key: str
    label: str
    kind: FieldKind = "string"
    required: bool = False
    secret: bool = False
    help: str = ""
    default: Any = None
    example: Any = ""
    max_length: int | None = None
    pattern: str = ""
    options: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Output:
    """A named piece of an action's answer: `path` is where it stands in the parsed body (`id`, `data.url`)."""

    key: str
    label: str
    path: str


@dataclass(frozen=True, slots=True)
class Reply:
    """How an answer is read beyond its status.

    `body`: a 2xx answer is a success only with this very text. `ok`: the path of a flag that must be true. `says`: a
    path and the value that must stand there. `partly`: 2xx statuses by which the service says that not all was done.
    `error`: the path of the service's own word for what went wrong. `retry` and `permanent`: words which, found in
    the answer of a failure, decide it whatever the status says. `refused`: statuses by which the service says that the
    credential is no good: runs are held until it is changed.
    """

    body: str = ""
    ok: str = ""
    says: tuple[str, Any] | None = None
    partly: tuple[int, ...] = ()
    error: str = ""
    retry: tuple[str, ...] = ()
    permanent: tuple[str, ...] = ()
    refused: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Inquiry:
    """How a service tells whether an action was done of which no answer came: a GET with the action's credential.

    `url` and `query`: templates over `inputs`, `connection` and `key`, the action's Idempotency-Key. `about`: a path in
    the answer and a template of what stands there where the answer is about this very action; else it tells nothing.
    `made`: the path of what is there only once it was done; where it isn't, the action is done again, so `about` must
    be something that doesn't lag behind, as an id that was asked for. `body`: the path of what the action itself would
    have answered, "" for all.
    """

    url: str
    about: tuple[str, str]
    made: str
    body: str = ""
    query: Any = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class Action:
    """One thing that a connector can do: the request is made of templates over `inputs` and `connection`.

    `json` is short for a `body` of {"json": ...}; `body` may be {"json": tree}, {"form": {...}} or
    {"text": template, "type": media type}. A key whose template is one missing name is left out.
    `basic`: user name and password for HTTP's Basic scheme. `sign`: a scheme of signing.py, with `signing_secret`.
    `repeatable`: whether doing it twice does no harm; where it does, a try of which no answer came is held for a person
    to decide, or for the `inquiry`, which must be unmistakable. `key` in a template is the Idempotency-Key.
    """

    key: str
    label: str
    inputs: tuple[Field, ...] = ()
    method: str = "POST"
    url: str = ""
    headers: Any = field(default_factory=dict)
    query: Any = field(default_factory=dict)
    basic: tuple[str, str] | None = None
    sign: str = ""
    signing_secret: str = ""
    json: Any = None
    body: Any = None
    reply: Reply = Reply()
    outputs: tuple[Output, ...] = ()
    target: Target = "http"
    repeatable: bool = True
    inquiry: Inquiry | None = None
    help: str = ""

    def input(self, key: str) -> Field | None:
        return next((one for one in self.inputs if one.key == key), None)

    @property
    def headers_input(self) -> str:
        """The key of the input that is the request's headers; "" where the action writes its own."""
        return self._input_of(self.headers)

    @property
    def query_input(self) -> str:
        """The key of the input that is the request's query; "" where the action writes its own."""
        return self._input_of(self.query)

    @property
    def body_input(self) -> str:
        """The key of the input that is the request's body; "" where the action writes its own."""
        return self._input_of(self.body)

    @property
    def sign_input(self) -> str:
        """The key of the input that says whether the request is signed; "" where none does."""
        return self._input_of(self.sign)

    def _input_of(self, template: Any) -> str:
        return next((one.key for one in self.inputs if template == f"{{{{ inputs.{one.key} }}}}"), "")


SIGNING_SECRET = (Field("secret", "Signing secret", required=True, secret=True),)


@dataclass(frozen=True, slots=True)
class Success:
    """What a sender is answered when its event is stored. `body` None: the event's id as JSON."""

    status: int = 202
    body: str | None = None
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class Preset:
    """How events of one sender come in: what verifies them, what tells them apart, what it wants for an answer.

    `scheme`: the name of the verification, where senders share one; else the preset's own. `secret`: what is stored to
    verify with; empty where the sender's own keys are public. `dedupe` and `event` are templates over `event`: the key
    under which it may come again, and its type, of which `example` is one. `content_type`: what its bodies are,
    whatever it calls them. `caution`: what the signature does not say.
    """

    key: str
    label: str
    verify: Scheme | Named
    scheme: str = ""
    handshakes: tuple[Handshake, ...] = ()
    secret: tuple[Field, ...] = SIGNING_SECRET
    dedupe: str = ""
    event: str = ""
    example: str = ""
    content_type: str = ""
    success: Success = Success()
    docs: str = ""
    help: str = ""
    caution: str = ""

    @property
    def verifies_as(self) -> str:
        return self.scheme or self.key


@dataclass(frozen=True, slots=True, eq=False)
class Connector:
    """One service.

    `hosts`: where what a connection holds may go, by https; nothing of it goes anywhere else. Where the connection
    itself names the place, a template over it: `{{ connection.shop }}.example.com`, or `{{ connection.url }}`, which
    stands for scheme, host and port of that URL. Empty for connectors that send nothing of their connection.
    `presets`: what it sends, for triggers; a service that only sends has no actions.
    """

    key: str
    label: str
    actions: tuple[Action, ...] = ()
    presets: tuple[Preset, ...] = ()
    connection: tuple[Field, ...] = ()
    hosts: tuple[str, ...] = ()
    docs: str = ""
    help: str = ""

    @property
    def needs_connection(self) -> bool:
        return any(one.required for one in self.connection)

    def check_connection(self, values: dict[str, Any]) -> dict[str, str]:
        """What is wrong with a connection's values, by field; {} when nothing is."""
        return check_values(self.connection, values)


def check_values(fields: tuple[Field, ...], values: dict[str, Any]) -> dict[str, str]:
    """What is wrong with values for `fields`, by field; {} when nothing is."""
    faults = dict.fromkeys(values.keys() - {one.key for one in fields}, "unknown field")
    for one in fields:
        message = _fault(one, values.get(one.key))
        if message:
            faults[one.key] = message
    return faults


def _fault(one: Field, value: Any) -> str:
    if value is None or value == "":
        return "is needed" if one.required else ""
    if not isinstance(value, str):
        return "must be text"
    if one.max_length is not None and len(value) > one.max_length:
        return f"may have {one.max_length} characters"
    if one.kind != "text" and any(ord(letter) < 32 or ord(letter) == 127 for letter in value):
        return "has a line break or a control character in it"
    if one.pattern and not re.fullmatch(one.pattern, value):
        return f"doesn't look right{f'; it looks like {one.example}' if one.example else ''}"
    return ""
