"""Svix: events by webhook."""

from relay.connectors.definition import Connector, Field, Preset
from relay.signatures.generic import standard_webhooks

SVIX = Connector(
    key="svix",
    label="Svix",
    docs="https://docs.svix.com/receiving/verifying-payloads/how",
    presets=(
        Preset(
            key="svix",
            label="Svix (any sender that uses it)",
            body_types=("json",),
            verify=standard_webhooks("svix"),
            secret=(
                Field("secret", "Signing secret", required=True, secret=True, help="whsec_..., shown at the endpoint."),
            ),
            dedupe="{{ event.headers['svix-id'] }}",
            event="{{ event.body.type }}",
            example="user.created",
        ),
    ),
)
