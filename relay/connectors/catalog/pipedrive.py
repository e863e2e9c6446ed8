"""Pipedrive: events by webhook."""

from relay.connectors.definition import Connector, Field, Preset
from relay.signatures.generic import BASIC

PIPEDRIVE = Connector(
    key="pipedrive",
    label="Pipedrive",
    docs="https://pipedrive.readme.io/docs/guide-for-webhooks",
    presets=(
        Preset(
            key="pipedrive",
            label="Pipedrive",
            verify=BASIC,
            scheme="basic_auth",
            secret=(
                Field("username", "User name", required=True),
                Field("password", "Password", required=True, secret=True),
            ),
            dedupe="{{ event.body.meta.correlation_id }}",
            event="{{ event.body.meta.action }}.{{ event.body.meta.entity }}",
            example="create.deal",
            help="Enter the same user name and password at the webhook.",
            caution="The password signs nothing: who knows it can send any event.",
        ),
    ),
)
