"""Vercel: events by webhook."""

from relay.connectors.definition import Connector, Field, Preset
from relay.signatures import Scheme, Signature

VERCEL = Connector(
    key="vercel",
    label="Vercel",
    docs="https://vercel.com/docs/webhooks",
    presets=(
        Preset(
            key="vercel",
            label="Vercel",
            body_types=("json",),
            verify=Scheme(kind="hmac", algorithm="sha1", signature=Signature("header:x-vercel-signature", "hex")),
            secret=(
                Field("secret", "Secret", required=True, secret=True, help="Shown once when the webhook is created."),
            ),
            dedupe="{{ event.body.id }}",
            event="{{ event.body.type }}",
            example="deployment.succeeded",
        ),
    ),
)
