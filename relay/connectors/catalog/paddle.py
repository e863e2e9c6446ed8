"""Paddle: events by webhook."""

from relay.connectors.definition import Connector, Field, Preset, Success
from relay.signatures import Named, Scheme, Signature, Timestamp

PADDLE = Connector(
    key="paddle",
    label="Paddle",
    docs="https://developer.paddle.com/webhooks/signature-verification",
    presets=(
        Preset(
            key="paddle",
            label="Paddle Billing",
            body_types=("json",),
            verify=Scheme(
                kind="hmac",
                signature=Signature("header:paddle-signature", "hex", split=";", kv="=", field="h1"),
                signed="{timestamp}:{body}",
                timestamp=Timestamp("sig:ts", tolerance=5),
            ),
            scheme="paddle_billing",
            secret=(
                Field("secret", "Secret key", required=True, secret=True, help="Of the notification destination."),
            ),
            dedupe="{{ event.body.event_id }}",
            event="{{ event.body.event_type }}",
            example="transaction.completed",
            help="Requests may be 5 s old; raise it if requests pass a queue or a proxy before Relay.",
            success=Success(200, ""),
        ),
        Preset(
            key="paddle_classic",
            label="Paddle Classic",
            body_types=("form",),
            verify=Named(verifier="serialized_form", options={"field": "p_signature"}),
            secret=(
                Field(
                    "public_key",
                    "Public key",
                    kind="text",
                    required=True,
                    secret=True,
                    help="In PEM, from the developer tools.",
                ),
            ),
            dedupe="{{ event.body.alert_id }}",
            event="{{ event.body.alert_name }}",
            example="subscription_created",
            success=Success(200, ""),
        ),
    ),
)
