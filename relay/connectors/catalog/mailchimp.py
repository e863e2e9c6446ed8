"""Mailchimp: events by webhook."""

from relay.connectors.definition import Connector, Field, Preset, Success
from relay.signatures import Handshake, When
from relay.signatures.generic import shared

MAILCHIMP = Connector(
    key="mailchimp",
    label="Mailchimp",
    docs="https://mailchimp.com/developer/marketing/guides/sync-audience-data-webhooks/",
    presets=(
        Preset(
            key="mailchimp",
            label="Mailchimp",
            body_types=("form",),
            verify=shared("query:secret"),
            scheme="url_secret",
            secret=(
                Field(
                    "secret",
                    "Secret in the URL",
                    required=True,
                    secret=True,
                    help="Chosen by you: give Mailchimp the URL with ?secret= and this at its end.",
                ),
            ),
            handshakes=(Handshake(key="mailchimp_probe", when=When(method="GET")),),
            dedupe="{{ event.body.fired_at }} {{ event.body['data[id]'] }}",
            event="{{ event.body.type }}",
            example="subscribe",
            caution="Nothing is signed: anyone who knows the URL and the secret in it can send any event.",
            success=Success(200, ""),
        ),
    ),
)
