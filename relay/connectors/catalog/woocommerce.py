"""WooCommerce: events by webhook."""

from relay.connectors.definition import Connector, Field, Preset
from relay.signatures import Handshake, Scheme, Signature, When

WOOCOMMERCE = Connector(
    key="woocommerce",
    label="WooCommerce",
    docs="https://woocommerce.com/document/webhooks/",
    presets=(
        Preset(
            key="woocommerce",
            label="WooCommerce",
            verify=Scheme(kind="hmac", signature=Signature("header:x-wc-webhook-signature", "base64")),
            secret=(
                Field(
                    "secret", "Secret", required=True, secret=True, help="The secret of the webhook, in its settings."
                ),
            ),
            handshakes=(Handshake(key="woocommerce_ping", when=When(method="POST", present=("form:webhook_id",))),),
            event="{{ event.headers['x-wc-webhook-topic'] }}",
            example="order.created",
            caution="Its delivery id is a new one for each try, so that what comes again is not known by it.",
        ),
    ),
)
