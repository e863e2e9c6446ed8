"""Razorpay: events by webhook."""

from relay.connectors.definition import Connector, Field, Preset
from relay.signatures import Scheme, Signature

RAZORPAY = Connector(
    key="razorpay",
    label="Razorpay",
    docs="https://razorpay.com/docs/webhooks/validate-test/",
    presets=(
        Preset(
            key="razorpay",
            label="Razorpay",
            body_types=("json",),
            verify=Scheme(kind="hmac", signature=Signature("header:x-razorpay-signature", "hex")),
            secret=(
                Field("secret", "Secret", required=True, secret=True, help="The secret of the webhook, chosen by you."),
            ),
            dedupe="{{ event.raw }}",
            event="{{ event.body.event }}",
            example="payment.captured",
        ),
    ),
)
