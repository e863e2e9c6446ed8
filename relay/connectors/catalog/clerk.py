"""Clerk: events by webhook."""

from relay.connectors.definition import Connector, Field, Preset
from relay.signatures.generic import standard_webhooks

CLERK = Connector(
    key="clerk",
    label="Clerk",
    docs="https://clerk.com/docs/webhooks",
    presets=(
        Preset(
            key="clerk",
            label="Clerk",
            body_types=("json",),
            verify=standard_webhooks("svix"),
            scheme="svix",
            secret=(
                Field("secret", "Signing secret", required=True, secret=True, help="whsec_..., shown at the endpoint."),
            ),
            dedupe="{{ event.headers['svix-id'] }}",
            event="{{ event.body.type }}",
            example="user.created",
        ),
    ),
)
