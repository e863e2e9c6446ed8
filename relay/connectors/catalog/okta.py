"""Okta: events by webhook."""

from relay.connectors.definition import Connector, Field, Preset, Success
from relay.signatures import Handshake, Respond, When
from relay.signatures.generic import shared

OKTA = Connector(
    key="okta",
    label="Okta",
    docs="https://developer.okta.com/docs/concepts/event-hooks/",
    presets=(
        Preset(
            key="okta",
            label="Okta event hook",
            body_types=("json",),
            verify=shared("header:authorization"),
            scheme="static_authorization",
            secret=(
                Field(
                    "secret",
                    "Authentication secret",
                    required=True,
                    secret=True,
                    help="The whole Authorization value that the hook sends.",
                ),
            ),
            handshakes=(
                Handshake(
                    key="okta_handshake",
                    when=When(method="GET", present=("header:x-okta-verification-challenge",)),
                    respond=Respond(json={"verification": "{header:x-okta-verification-challenge}"}),
                ),
            ),
            dedupe="{{ event.body.eventId }}",
            event="{{ event.body.data.events[0].eventType }}",
            example="user.lifecycle.create",
            caution="The secret signs nothing: anyone who knows it can send any event.",
            success=Success(200, ""),
        ),
    ),
)
