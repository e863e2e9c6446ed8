"""PagerDuty: events by webhook."""

from relay.connectors.definition import Connector, Field, Preset
from relay.signatures import Handshake, Scheme, Signature, When

PAGERDUTY = Connector(
    key="pagerduty",
    label="PagerDuty",
    docs="https://developer.pagerduty.com/docs/webhooks/webhook-signatures/",
    presets=(
        Preset(
            key="pagerduty",
            label="PagerDuty",
            body_types=("json",),
            verify=Scheme(
                kind="hmac", signature=Signature("header:x-pagerduty-signature", "hex", split=",", prefix="v1=")
            ),
            secret=(
                Field(
                    "secret", "Secret", required=True, secret=True, help="Shown once when the subscription is created."
                ),
            ),
            handshakes=(
                Handshake(
                    key="pagerduty_ping", when=When(equals={"json:event.event_type": "pagey.ping"}), auth="signed"
                ),
            ),
            dedupe="{{ event.body.event.id }}",
            event="{{ event.body.event.event_type }}",
            example="incident.triggered",
        ),
    ),
)
