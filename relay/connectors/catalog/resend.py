"""Resend: events by webhook."""

from relay.connectors.definition import Connector, Field, Preset
from relay.signatures.generic import standard_webhooks

RESEND = Connector(
    key="resend",
    label="Resend",
    docs="https://resend.com/docs/webhooks/verify-webhooks-requests",
    presets=(
        Preset(
            key="resend",
            label="Resend",
            body_types=("json",),
            verify=standard_webhooks("svix"),
            scheme="svix",
            secret=(
                Field("secret", "Signing secret", required=True, secret=True, help="whsec_..., shown at the endpoint."),
            ),
            dedupe="{{ event.headers['svix-id'] }}",
            event="{{ event.body.type }}",
            example="email.delivered",
        ),
    ),
)
