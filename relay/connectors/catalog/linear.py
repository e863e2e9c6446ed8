"""Linear: events by webhook."""

from relay.connectors.definition import Connector, Field, Preset, Success
from relay.signatures import Scheme, Signature, Timestamp

LINEAR = Connector(
    key="linear",
    label="Linear",
    docs="https://linear.app/developers/webhooks",
    presets=(
        Preset(
            key="linear",
            label="Linear",
            body_types=("json",),
            verify=Scheme(
                kind="hmac",
                signature=Signature("header:linear-signature", "hex"),
                timestamp=Timestamp("json:webhookTimestamp", "ms", tolerance=60),
            ),
            secret=(Field("secret", "Signing secret", required=True, secret=True, help="Shown at the webhook."),),
            dedupe="{{ event.body | omit('webhookTimestamp') }}",
            event="{{ event.body.type }}.{{ event.body.action }}",
            example="Issue.create",
            success=Success(200, ""),
        ),
    ),
)
