"""Retell AI: events by webhook."""

from relay.connectors.definition import Connector, Field, Preset
from relay.signatures import Scheme, Signature, Timestamp

RETELL = Connector(
    key="retell",
    label="Retell AI",
    docs="https://docs.retellai.com/features/secure-webhook",
    presets=(
        Preset(
            key="retell",
            label="Retell AI",
            body_types=("json",),
            verify=Scheme(
                kind="hmac",
                signature=Signature("header:x-retell-signature", "hex", split=",", kv="=", field="d"),
                signed="{body}{timestamp}",
                timestamp=Timestamp("sig:v", "ms"),
            ),
            secret=(
                Field("secret", "API key", required=True, secret=True, help="The one that is marked for webhooks."),
            ),
            dedupe="{{ event.body.event }} {{ event.body.call.call_id }}",
            event="{{ event.body.event }}",
            example="call_ended",
        ),
    ),
)
