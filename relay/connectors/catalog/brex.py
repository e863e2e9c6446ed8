"""Brex: events by webhook."""

from relay.connectors.definition import Connector, Field, Preset
from relay.signatures.generic import standard_webhooks

BREX = Connector(
    key="brex",
    label="Brex",
    docs="https://developer.brex.com/docs/webhooks/",
    presets=(
        Preset(
            key="brex",
            label="Brex",
            body_types=("json",),
            verify=standard_webhooks(),
            scheme="standard_webhooks",
            secret=(
                Field(
                    "secret",
                    "Signing secret",
                    required=True,
                    secret=True,
                    help="whsec_..., shown when the endpoint is created.",
                ),
            ),
            dedupe="{{ event.headers['webhook-id'] }}",
            event="{{ event.body.event_type }}",
            example="TRANSFER_PROCESSED",
        ),
    ),
)
