"""Mux: events by webhook."""

from relay.connectors.definition import Connector, Field, Preset
from relay.signatures import Scheme, Signature, Timestamp

MUX = Connector(
    key="mux",
    label="Mux",
    docs="https://www.mux.com/docs/core/verify-webhook-signatures",
    presets=(
        Preset(
            key="mux",
            label="Mux",
            body_types=("json",),
            verify=Scheme(
                kind="hmac",
                signature=Signature("header:mux-signature", "hex", split=",", kv="=", field="v1"),
                signed="{timestamp}.{body}",
                timestamp=Timestamp("sig:t"),
            ),
            secret=(Field("secret", "Signing secret", required=True, secret=True, help="Shown at the webhook."),),
            dedupe="{{ event.body.id }}",
            event="{{ event.body.type }}",
            example="video.asset.ready",
        ),
    ),
)
