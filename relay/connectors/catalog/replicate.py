"""Replicate: events by webhook."""

from relay.connectors.definition import Connector, Field, Preset
from relay.signatures.generic import standard_webhooks

REPLICATE = Connector(
    key="replicate",
    label="Replicate",
    docs="https://replicate.com/docs/topics/webhooks/verify-webhook",
    presets=(
        Preset(
            key="replicate",
            label="Replicate",
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
            event="{{ event.body.status }}",
            example="succeeded",
        ),
    ),
)
