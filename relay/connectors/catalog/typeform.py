"""Typeform: events by webhook."""

from relay.connectors.definition import Connector, Field, Preset
from relay.signatures import Scheme, Signature

TYPEFORM = Connector(
    key="typeform",
    label="Typeform",
    docs="https://www.typeform.com/developers/webhooks/secure-your-webhooks/",
    presets=(
        Preset(
            key="typeform",
            label="Typeform",
            body_types=("json",),
            verify=Scheme(kind="hmac", signature=Signature("header:typeform-signature", "base64", prefix="sha256=")),
            secret=(
                Field("secret", "Secret", required=True, secret=True, help="The secret of the webhook, chosen by you."),
            ),
            dedupe="{{ event.body.event_id }}",
            event="{{ event.body.event_type }}",
            example="form_response",
        ),
    ),
)
