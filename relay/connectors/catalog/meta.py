"""Meta: events by webhook."""

from relay.connectors.definition import Connector, Field, Preset, Success
from relay.signatures import Handshake, Respond, Scheme, Signature, When

META = Connector(
    key="meta",
    label="Meta",
    docs="https://developers.facebook.com/docs/graph-api/webhooks/getting-started",
    presets=(
        Preset(
            key="meta",
            label="Meta (Facebook, Instagram, WhatsApp)",
            body_types=("json",),
            verify=Scheme(kind="hmac", signature=Signature("header:x-hub-signature-256", "hex", prefix="sha256=")),
            secret=(
                Field("secret", "App secret", required=True, secret=True, help="In the settings of the app."),
                Field(
                    "verify_token", "Verify token", required=True, secret=True, help="Chosen by you; Meta asks for it."
                ),
            ),
            handshakes=(
                Handshake(
                    key="meta_handshake",
                    when=When(method="GET", present=("query:hub.challenge",), equals={"query:hub.mode": "subscribe"}),
                    auth="token",
                    proof="query:hub.verify_token",
                    proof_part="verify_token",
                    denied=403,
                    respond=Respond(body="{query:hub.challenge}"),
                ),
            ),
            dedupe="{{ event.raw }}",
            event="{{ event.body.object }}",
            example="page",
            success=Success(200, ""),
        ),
    ),
)
