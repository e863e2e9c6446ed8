"""Shippo: events by webhook."""

from relay.connectors.definition import Connector, Field, Preset
from relay.signatures.generic import shared

SHIPPO = Connector(
    key="shippo",
    label="Shippo",
    docs="https://docs.goshippo.com/tracking/webhook-security",
    presets=(
        Preset(
            key="shippo",
            label="Shippo",
            verify=shared("query:token"),
            scheme="url_token",
            secret=(
                Field(
                    "secret",
                    "Token in the URL",
                    required=True,
                    secret=True,
                    help="Chosen by you: give Shippo the URL with ?token= and this at its end.",
                ),
            ),
            dedupe="{{ event.body.data.object_id }} {{ event.body.data.tracking_status.status }}",
            event="{{ event.body.event }}",
            example="track_updated",
            caution="Nothing is signed: who knows the URL and the token in it can send any event.",
        ),
    ),
)
