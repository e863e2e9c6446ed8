"""Standard Webhooks: events by webhook."""

from relay.connectors.definition import Connector, Field, Preset
from relay.signatures.generic import standard_webhooks

STANDARD_WEBHOOKS = Connector(
    key="standard_webhooks",
    label="Standard Webhooks",
    docs="https://www.standardwebhooks.com/",
    presets=(
        Preset(
            key="standard_webhooks",
            label="Standard Webhooks (any sender that keeps to it)",
            body_types=("json",),
            verify=standard_webhooks(),
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
            event="{{ event.body.type }}",
            example="contact.created",
        ),
    ),
)
