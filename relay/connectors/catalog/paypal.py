"""PayPal: events by webhook."""

from relay.connectors.definition import Connector, Field, Preset
from relay.signatures import Named

PAYPAL = Connector(
    key="paypal",
    label="PayPal",
    docs="https://developer.paypal.com/api/rest/webhooks/rest/",
    presets=(
        Preset(
            key="paypal",
            label="PayPal",
            verify=Named(
                verifier="certified_transmission",
                options={
                    "start": "paypal",
                    "url": r"https://(?:[a-z0-9-]{1,63}\.){1,4}paypal\.com/[A-Za-z0-9/_.~-]{1,300}",
                    "name": "paypal.com",
                },
            ),
            secret=(
                Field(
                    "webhook_id",
                    "Webhook ID",
                    required=True,
                    secret=True,
                    help="Shown at the webhook, in the developer dashboard.",
                ),
            ),
            dedupe="{{ event.body.id }}",
            event="{{ event.body.event_type }}",
            example="PAYMENT.CAPTURE.COMPLETED",
        ),
    ),
)
