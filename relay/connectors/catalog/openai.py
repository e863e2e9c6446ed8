"""OpenAI: events by webhook."""

from relay.connectors.definition import Connector, Field, Preset
from relay.signatures.generic import standard_webhooks

OPENAI = Connector(
    key="openai",
    label="OpenAI",
    docs="https://platform.openai.com/docs/guides/webhooks",
    presets=(
        Preset(
            key="openai",
            label="OpenAI",
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
            event="{{ event.body.type }}",
            example="response.completed",
        ),
    ),
)
