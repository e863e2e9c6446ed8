"""Defines presets: how a sender sends its events, and how Relay subscribes to them."""

from __future__ import annotations

from dataclasses import dataclass, field

from relay.bodies.body_types import MEDIA_TYPES, BodyTypes
from relay.connectors.definition.actions import Call
from relay.connectors.definition.fields import Field
from relay.signatures import Handshake, Named, Scheme, verifier

# The deduplication key for forms whose URL and fields are signed as one text. The signature does not show where a name
# ends, so neither does the key: otherwise a recorded request could be sent again, divided in another way.
SIGNED_FORM = (
    "{{ event.query | query_string | url_decode }}"
    "{% for name, values in (event.body or {}) | dictsort(true) %}"
    "{% for value in [values] | flatten | unique(case_sensitive=true) | sort(case_sensitive=true) %}"
    "{{ name }}{{ value }}{% endfor %}{% endfor %}"
)
# The same for a form whose `form_fields` are opened.
SIGNED_OPENED_FORM = SIGNED_FORM.replace("event.body", "event.form")
SIGNING_SECRET = (Field("secret", "Signing secret", required=True, secret=True),)


@dataclass(frozen=True, slots=True)
class Success:
    """The answer to a sender whose event is stored. `body` None: the event's id as JSON."""

    status: int = 202
    body: str | None = None
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class Subscription:
    """How Relay makes, renews and removes a sender's webhook by its API, with a connection of the preset's connector.

    The calls' templates see `connection`, `inputs` (what a person chooses, such as a board), `url` (the trigger's) and
    `ends` (in `lifetime` seconds, as 2026-01-31T12:00:00Z). `subscribe` also sees `secret`, which Relay makes if
    `makes_secret`; `renew` and `unsubscribe` see `subscription`, the last answer with the webhook's `id` in it.
    `id`: the path of the webhook's id in the answer to `subscribe`. `secret`: the path of the signing secret in it; ""
    if the sender signs with the one that Relay makes or a person enters, or brings it in a handshake. Either is stored
    as the first field of the preset's secret.
    `existing` lists the webhooks, so that none is made twice: `rows` is the path of the list, `match` a template over
    `row`, `url` and `inputs` that is true for this trigger's, `row_id` the path of the id in it. One that matches is
    kept, or removed and made again if Relay would not know its secret or its end.
    `before`: calls that are made before `subscribe` and `existing`, which see the answers as `calls.KEY.body`, such as
    a call that says to which account the credential belongs. Each of them sees those before it.
    `lifetime`: seconds until the webhook ends, or a template over `inputs` that renders to them; it is renewed at three
    quarters of it. `ends`: the path of its end in the answers of `subscribe` and `renew`; an earlier end than the one
    that was asked for counts. A `renew` that finds the webhook gone (`absent` of its call) subscribes again.
    Raises ValueError if one of `lifetime` and `renew` is missing.
    """

    subscribe: Call
    unsubscribe: Call
    before: tuple[Call, ...] = ()
    id: str = "id"
    renew: Call | None = None
    existing: Call | None = None
    rows: str = ""
    match: str = ""
    row_id: str = "id"
    inputs: tuple[Field, ...] = ()
    secret: str = ""
    makes_secret: bool = False
    lifetime: int | str | None = None
    ends: str = ""
    docs: str = ""
    help: str = ""

    def __post_init__(self) -> None:
        if (self.renew is None) != (self.lifetime is None):
            raise ValueError("A webhook that ends has a call that renews it, and the other way round")


@dataclass(frozen=True, slots=True, eq=False)
class Preset:
    """How one sender sends events: verification, deduplication key, body types and expected answer.

    `scheme`: the name of the verification if senders share one; else the preset's key. `secret`: the fields to store;
    empty if the sender's keys are public. `dedupe` and `event` are templates over `event`: the deduplication key, and
    the type of the event, with `example` as one such type. The key of a signed event contains signed values only.
    `body_types`: the types as which bodies are read; of several, the bytes decide (see body_types). `form_fields`: the
    fields of its forms that hold JSON or XML; a form with no other field is read as that document. `file_fields`: the
    paths in its JSON that hold files in base64. `caution`: what the signature does not cover. `subscription`: how Relay
    subscribes at the sender.
    Raises ValueError without body types, and for handshakes that could sign an event.
    """

    key: str
    label: str
    body_types: BodyTypes
    verify: Scheme | Named
    scheme: str = ""
    handshakes: tuple[Handshake, ...] = ()
    secret: tuple[Field, ...] = SIGNING_SECRET
    dedupe: str = ""
    event: str = ""
    example: str = ""
    success: Success = Success()
    docs: str = ""
    help: str = ""
    caution: str = ""
    form_fields: tuple[str, ...] = ()
    file_fields: tuple[str, ...] = ()
    subscription: Subscription | None = None

    def __post_init__(self) -> None:
        if not self.body_types or not set(self.body_types) <= MEDIA_TYPES.keys():
            raise ValueError(f"The preset {self.key} does not say what its bodies are: {', '.join(MEDIA_TYPES)}")
        verifier(self.verify, self.handshakes)

    @property
    def verifies_as(self) -> str:
        return self.scheme or self.key
