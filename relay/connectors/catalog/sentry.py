"""Sentry: events by webhook."""

from relay.connectors.definition import Connector, Field, Preset
from relay.signatures import Scheme, Signature

SENTRY = Connector(
    key="sentry",
    label="Sentry",
    docs="https://docs.sentry.io/product/integrations/integration-platform/webhooks/",
    presets=(
        Preset(
            key="sentry",
            label="Sentry",
            body_types=("json",),
            verify=Scheme(kind="hmac", signature=Signature("header:sentry-hook-signature", "hex")),
            secret=(Field("secret", "Client secret", required=True, secret=True, help="Of the integration."),),
            dedupe="{{ event.raw }}",
            event="{{ event.headers['sentry-hook-resource'] }}.{{ event.body.action }}",
            example="issue.created",
            caution="Only the body is signed, not its time or resource. Requests with the same body within a day "
            "count as one event; a recorded one can be sent again later.",
        ),
    ),
)
