"""WorkOS: events by webhook."""

from relay.connectors.definition import Connector, Field, Preset
from relay.signatures import Scheme, Signature, Timestamp

WORKOS = Connector(
    key="workos",
    label="WorkOS",
    docs="https://workos.com/docs/events/data-syncing/webhooks",
    presets=(
        Preset(
            key="workos",
            label="WorkOS",
            body_types=("json",),
            verify=Scheme(
                kind="hmac",
                signature=Signature("header:workos-signature", "hex", split=",", kv="=", field="v1"),
                signed="{timestamp}.{body}",
                timestamp=Timestamp("sig:t", "ms", tolerance=180),
            ),
            secret=(Field("secret", "Signing secret", required=True, secret=True, help="Shown at the endpoint."),),
            dedupe="{{ event.body.id }}",
            event="{{ event.body.event }}",
            example="dsync.user.created",
        ),
    ),
)
