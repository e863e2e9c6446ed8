"""Sends a sample to a flow from the editor, after a question if the flow is live."""

from __future__ import annotations

from dataclasses import dataclass

from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from relay.bodies import payloads
from relay.connectors.examples import loader as examples
from relay.connectors.examples.loader import Example
from relay.engine.intake import sample_events
from relay.errors import PayloadError, RelayError
from relay.models import Event, Flow, FlowState, RunState
from relay.web.auth.access import WorkspaceRequest

PENDING_SAMPLE = "pending-sample"  # in the session: the body that waits for the confirmation


@dataclass(slots=True)
class Sending:
    """One sample to send: `body`, which somebody typed as JSON, or "" for the chosen event.

    `example`: an example of the sender instead, by its preset and number, as `github.0`.
    """

    request: WorkspaceRequest
    flow: Flow
    body: str
    example: str | None = None

    def must_ask(self) -> bool:
        """Return whether to ask first, and keep the body until then. RelayError if it is not JSON."""
        self._check()
        if self.flow.state is FlowState.DRAFT:
            return False
        self.request.session[PENDING_SAMPLE] = {
            "flow": self.flow.pk,
            "body": self.body if self.example is None else self._example(self.example).text,
            "example": self.example,
        }
        return True

    def send(self, chosen: Event | None, *, confirmed: bool) -> SafeString:
        """Send the body, or else the chosen event, and say what became of it. RelayError if the body is not JSON."""
        if confirmed:
            pending = self.request.session.pop(PENDING_SAMPLE, None) or {}
            pending = pending if pending.get("flow") == self.flow.pk else {}
            self.body, self.example = pending.get("body", ""), pending.get("example")
        if self.example is not None:
            sent = sample_events.send_sample(self.flow, event=self._example(self.example).as_event())
            return format_html("Sent. {}", _result(sent))
        self._check()
        body = self.body.encode() if self.body else None
        return format_html("Sent. {}", _result(sample_events.send_sample(self.flow, body, again=chosen)))

    @staticmethod
    def _example(name: str) -> Example:
        preset, _, number = name.rpartition(".")
        return examples.find(preset, number)

    def _check(self) -> None:
        try:
            payloads.parse(self.body.encode(), "application/json")
        except PayloadError as error:
            raise RelayError(f"Your sample is not valid JSON, so it was not sent. {error}") from None


def _result(event: Event) -> SafeString:
    """Say in one sentence what became of a sample, with a link to it."""
    run = event.runs.first()
    if run is None:
        where = reverse("captured-event", args=(event.pk,))
        return format_html('It was <a href="{}">captured</a>, because the flow is a draft.', where)
    where = reverse("run", args=(run.pk,))
    if run.state == RunState.HELD:
        return format_html('<a href="{}">Its run</a> is held, because the flow is paused.', where)
    return format_html('<a href="{}">Its run</a> uses the live version.', where)
