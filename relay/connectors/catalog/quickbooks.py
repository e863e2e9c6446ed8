"""QuickBooks: events by webhook."""

from relay.connectors.definition import Connector, Field, Preset, Success
from relay.signatures import Scheme, Signature

QUICKBOOKS = Connector(
    key="quickbooks",
    label="QuickBooks",
    docs="https://developer.intuit.com/app/developer/qbo/docs/develop/webhooks",
    presets=(
        Preset(
            key="quickbooks",
            label="QuickBooks",
            body_types=("json",),
            verify=Scheme(kind="hmac", signature=Signature("header:intuit-signature", "base64")),
            secret=(
                Field(
                    "secret",
                    "Verifier token",
                    required=True,
                    secret=True,
                    help="Shown on the Webhooks page of the app.",
                ),
            ),
            dedupe="{{ event.raw }}",
            event="{{ event.body.eventNotifications[0].dataChangeEvent.entities[0].name }}",
            example="Invoice",
            success=Success(200, ""),
        ),
    ),
)
