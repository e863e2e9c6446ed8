"""Square: events by webhook."""

from relay.connectors.definition import Connector, Field, Preset
from relay.signatures import Scheme, Signature

SQUARE = Connector(
    key="square",
    label="Square",
    docs="https://developer.squareup.com/docs/webhooks/step3validate",
    presets=(
        Preset(
            key="square",
            label="Square",
            body_types=("json",),
            verify=Scheme(
                kind="hmac", signature=Signature("header:x-square-hmacsha256-signature", "base64"), signed="{url}{body}"
            ),
            secret=(
                Field("secret", "Signature key", required=True, secret=True, help="Shown at the webhook subscription."),
            ),
            dedupe="{{ event.body.event_id }}",
            event="{{ event.body.type }}",
            example="payment.created",
        ),
    ),
)
