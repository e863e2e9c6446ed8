"""Telnyx: events by webhook."""

from relay.connectors.definition import Connector, Field, Preset
from relay.signatures import Key, Scheme, Signature, Timestamp

TELNYX = Connector(
    key="telnyx",
    label="Telnyx",
    docs="https://developers.telnyx.com/development/api-fundamentals/webhooks/receiving-webhooks",
    presets=(
        Preset(
            key="telnyx",
            label="Telnyx",
            body_types=("json",),
            verify=Scheme(
                kind="public_key",
                algorithm="ed25519",
                key=Key("base64"),
                signature=Signature("header:telnyx-signature-ed25519", "base64"),
                signed="{timestamp}|{body}",
                timestamp=Timestamp("header:telnyx-timestamp"),
            ),
            secret=(
                Field(
                    "secret",
                    "Public key",
                    required=True,
                    secret=True,
                    help="In the portal, under Keys and Credentials.",
                ),
            ),
            dedupe="{{ event.body.data.id }}",
            event="{{ event.body.data.event_type }}",
            example="message.received",
        ),
    ),
)
