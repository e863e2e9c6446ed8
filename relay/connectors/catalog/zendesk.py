"""Zendesk: events by webhook."""

from relay.connectors.definition import Connector, Field, Preset
from relay.signatures import Scheme, Signature, Timestamp

ZENDESK = Connector(
    key="zendesk",
    label="Zendesk",
    docs="https://developer.zendesk.com/documentation/webhooks/verifying/",
    presets=(
        Preset(
            key="zendesk",
            label="Zendesk",
            verify=Scheme(
                kind="hmac",
                signature=Signature("header:x-zendesk-webhook-signature", "base64"),
                signed="{timestamp}{body}",
                timestamp=Timestamp("header:x-zendesk-webhook-signature-timestamp", "iso"),
            ),
            secret=(Field("secret", "Signing secret", required=True, secret=True, help="Shown at the webhook."),),
            dedupe="{{ event.headers['x-zendesk-webhook-invocation-id'] }}",
            event="{{ event.body.type }}",
            example="zen:event-type:ticket.created",
        ),
    ),
)
