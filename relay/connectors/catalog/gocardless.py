"""GoCardless: events by webhook."""

from relay.connectors.definition import Connector, Field, Preset
from relay.signatures import Scheme, Signature

GOCARDLESS = Connector(
    key="gocardless",
    label="GoCardless",
    docs="https://developer.gocardless.com/resources/webhooks",
    presets=(
        Preset(
            key="gocardless",
            label="GoCardless",
            body_types=("json",),
            verify=Scheme(kind="hmac", signature=Signature("header:webhook-signature", "hex")),
            secret=(Field("secret", "Secret", required=True, secret=True, help="Of the webhook endpoint."),),
            dedupe="{{ event.body.events | map(attribute='id') | list }}",
            event="{{ event.body.events[0].resource_type }}.{{ event.body.events[0].action }}",
            example="payments.confirmed",
        ),
    ),
)
