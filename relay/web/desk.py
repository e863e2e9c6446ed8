"""All that the editor shows of a flow: its cards, the open card's form, the last event and what stops publishing."""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import dataclass, field
from typing import Any

from relay.backoff import DEFAULT_DELAYS
from relay.connectors import registry
from relay.connectors.definition import Action, Connector
from relay.engine import preview as previewing
from relay.engine import publish
from relay.engine.preview import StepPreview
from relay.engine.sampling import SAMPLE_ORDER, first_sample
from relay.errors import Fault, RelayError
from relay.flows.differences import Difference
from relay.models import Event, Flow
from relay.models.ledger import pretty
from relay.web import cards, drafts, kinds, limits, outputs, stepfields, stepforms, story, trees, versions
from relay.web.senders import Sender
from relay.web.stepfields import Form

DEFAULT_METHODS = ("POST", "PUT", "PATCH")
_STEP_FAULT = re.compile(r"steps\[(\d+)\]\.?")


@dataclass(slots=True)
class Card:
    """One card of the list. `summary` says in a line what it does."""

    id: str
    kind: str
    name: str
    summary: str
    disabled: bool = False
    faults: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Desk:
    """The editor's context; templates reach everything through it."""

    flow: Flow
    document: dict[str, Any]
    open_id: str
    event: Event | None
    cards: list[Card]
    faults: list[tuple[str, Fault]] | None = None
    step: dict[str, Any] | None = None
    form: Form | None = None
    preview: StepPreview | None = None
    picking: bool = False

    @property
    def changes(self) -> list[Difference]:
        """What publishing would change of the live version."""
        return versions.unpublished(self.flow, self.document)

    @property
    def sends(self) -> str:
        """What “Send a sample for me” sends."""
        if self.event is not None:
            return "The last event, once more."
        sample = first_sample(self.flow)
        return "An order from a made-up shop." if sample is None else f"The sample “{sample}”."

    @property
    def trigger_kind(self) -> str:
        return kinds.kind_of(self.document["trigger"])

    @property
    def trigger_kinds(self) -> list[tuple[str, str, str]]:
        return [(kind, name, kinds.ICONS[kind]) for kind, name in kinds.NAMES.items()]

    @property
    def trigger_card(self) -> tuple[str, str, str]:
        """Icon, name and a line of the card that starts the flow."""
        kind = self.trigger_kind
        return kinds.ICONS[kind], kinds.NAMES[kind], kinds.summary(self.document["trigger"])

    @property
    def moments(self) -> list[str]:
        return kinds.moments(self.document["trigger"])

    @property
    def input_rows(self) -> list[dict[str, Any]]:
        return kinds.input_rows(self.document["trigger"])

    @property
    def input_kinds(self) -> list[tuple[str, str]]:
        return list(kinds.INPUT_KINDS.items())

    @property
    def arrived(self) -> trees.Arrived | None:
        return trees.arrived(self.event) if self.event else None

    @property
    def outputs(self) -> trees.Node | None:
        """What the steps before this one gave in the last run, by the names that templates use."""
        found = outputs.known(self.flow, self.document, self.open_id, self.event)
        return trees.grow(found, name="steps", key="steps", open_to=2) if found else None

    @property
    def curl(self) -> str:
        body = shlex.quote(json.dumps({key: SAMPLE_ORDER[key] for key in ("id", "total", "customer")}))
        return f"curl {shlex.quote(self.flow.trigger.known_url)} -H 'Content-Type: application/json' -d {body}"

    @property
    def connector(self) -> Connector | None:
        return self._known[0] if self._known else None

    @property
    def action(self) -> Action | None:
        return self._known[1] if self._known else None

    @property
    def _known(self) -> tuple[Connector, Action] | None:
        try:
            return registry.find(str((self.step or {}).get("action") or ""))
        except RelayError:
            return None

    @property
    def connections(self) -> list[str]:
        connector = self.connector
        if connector is None:
            return []
        found = self.flow.workspace.connections.filter(connector=connector.key)
        return list(found.order_by("name").values_list("name", flat=True))

    @property
    def lost_connection(self) -> str:
        """The name of a connection that the step has and the workspace hasn't."""
        name = (self.step or {}).get("connection")
        return name if isinstance(name, str) and name and name not in self.connections else ""

    @property
    def does(self) -> str:
        return story.does(self.step or {})

    @property
    def operators(self) -> list[tuple[str, str]]:
        return stepfields.operators()

    @property
    def methods(self) -> list[tuple[str, bool]]:
        chosen = self.document["trigger"].get("methods")
        chosen = chosen if isinstance(chosen, list) else DEFAULT_METHODS
        return [(method, method in chosen) for method in stepforms.METHODS]

    @property
    def limits(self) -> limits.Limits:
        return limits.shown(self.document["trigger"])

    @property
    def sender(self) -> Sender:
        return Sender(self.flow, self.document["trigger"])

    @property
    def dedupe(self) -> dict[str, Any]:
        dedupe = self.document["trigger"].get("dedupe")
        return dedupe if isinstance(dedupe, dict) else {}

    @property
    def settings(self) -> dict[str, Any]:
        settings = self.document.get("settings")
        return settings if isinstance(settings, dict) else {}

    @property
    def alerts(self) -> dict[str, Any]:
        alerts = self.settings.get("alerts")
        return alerts if isinstance(alerts, dict) else {}

    @property
    def constants(self) -> list[tuple[stepfields.Shown, stepfields.Shown]]:
        return stepfields.pairs("constants", self.document.get("constants"), "")

    @property
    def response(self) -> dict[str, Any]:
        response = self.document["trigger"].get("response")
        return response if isinstance(response, dict) else {}

    @property
    def response_headers(self) -> list[tuple[stepfields.Shown, stepfields.Shown]]:
        return stepfields.pairs("response.headers", self.response.get("headers"), "")

    @property
    def delays(self) -> str:
        retry = (self.step or {}).get("retry")
        return ", ".join(map(str, retry.get("delays") or ())) if isinstance(retry, dict) else ""

    @property
    def default_delays(self) -> str:
        return ", ".join(DEFAULT_DELAYS)

    @property
    def pretty_request(self) -> str:
        request = (self.preview.request if self.preview else None) or {}
        return pretty(str(request.get("body") or ""))

    @property
    def catalogue(self) -> list[Connector]:
        """What an action can do: Relay's own and plain HTTP first, then by label."""
        first = ("inbox", "http")
        rank = {key: place for place, key in enumerate(first)}
        able = [one for one in registry.all() if one.actions]
        return sorted(able, key=lambda one: (rank.get(one.key, len(first)), one.label.lower()))


def desk(flow: Flow, open_id: str, *, document: dict[str, Any] | None = None, checked: bool = False) -> Desk:
    """The editor of a flow with the card `open_id` open, or the trigger's where there is no such card."""
    document = drafts.copied(flow.draft if document is None else document)
    event = flow.events.order_by("-id").first()
    made = Desk(flow, document, open_id, event, [card(step) for step in document["steps"]])
    if checked:
        made.faults = placed(publish.check(flow), made.cards)
    made.step = drafts.found(document, open_id)
    if made.step is None:
        made.open_id = open_id if open_id == "flow" else "trigger"
    else:
        made.preview = previewing.preview(flow, document, open_id, event)
        made.form = stepfields.form(made.step, made.preview)
    return made


def placed(faults: list[Fault], cards: list[Card]) -> list[tuple[str, Fault]]:
    """Each fault with the id of the card it is on; the cards are marked too."""
    found = []
    for fault in faults:
        match = _STEP_FAULT.match(fault.path)
        place = int(match.group(1)) if match else -1
        if match and place < len(cards):
            cards[place].faults.append(fault.message)
            found.append((cards[place].id, Fault(fault.path[match.end() :], fault.message)))
        else:
            found.append(("trigger" if fault.path.startswith("trigger") else "flow", fault))
    return found


def card(step: dict[str, Any]) -> Card:
    kind = str(step.get("kind"))
    name = step.get("name")
    does = story.does(step)
    tell = cards.SUMMARIES.get(kind)
    summary = tell(step) if tell else does if name else ""
    disabled = step.get("disabled") is True
    return Card(step["id"], kind, name if isinstance(name, str) and name else does, summary, disabled)
