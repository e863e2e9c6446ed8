"""Stripe: events by webhook."""

from relay.connectors.definition import Connector, Field, Preset
from relay.signatures import Scheme, Signature, Timestamp

STRIPE = Connector(
    key="stripe",
    label="Stripe",
    docs="https://docs.stripe.com/webhooks",
    presets=(
        Preset(
            key="stripe",
            label="Stripe",
            verify=Scheme(
                kind="hmac",
                signature=Signature("header:stripe-signature", "hex", split=",", kv="=", field="v1"),
                signed="{timestamp}.{body}",
                timestamp=Timestamp("sig:t", past_only=True),
            ),
            secret=(
                Field(
                    "secret",
                    "Signing secret",
                    required=True,
                    secret=True,
                    help="whsec_..., shown at the endpoint in the dashboard.",
                ),
            ),
            dedupe="{{ event.body.id }}",
            event="{{ event.body.type }}",
            example="invoice.paid",
        ),
    ),
)
