"""Chargebee: events by webhook."""

from relay.connectors.definition import Connector, Field, Preset
from relay.signatures.generic import BASIC

CHARGEBEE = Connector(
    key="chargebee",
    label="Chargebee",
    docs="https://www.chargebee.com/docs/2.0/webhook_settings.html",
    presets=(
        Preset(
            key="chargebee",
            label="Chargebee",
            body_types=("json",),
            verify=BASIC,
            scheme="basic_auth",
            secret=(
                Field("username", "User name", required=True),
                Field("password", "Password", required=True, secret=True),
            ),
            dedupe="{{ event.body.id }}",
            event="{{ event.body.event_type }}",
            example="subscription_created",
            help="Protect the webhook with basic authentication, with the same user name and password.",
            caution="The password signs nothing: anyone who knows it can send any event.",
        ),
    ),
)
