"""X: events by webhook."""

from relay.connectors.definition import Connector, Field, Preset, Success
from relay.signatures import Handshake, Respond, Scheme, Signature, When

X = Connector(
    key="x",
    label="X",
    docs="https://docs.x.com/x-api/webhooks/introduction",
    presets=(
        Preset(
            key="x",
            label="X (Twitter)",
            body_types=("json",),
            verify=Scheme(
                kind="hmac", signature=Signature("header:x-twitter-webhooks-signature", "base64", prefix="sha256=")
            ),
            scheme="twitter",
            secret=(
                Field("secret", "Consumer secret", required=True, secret=True, help="The API key secret of the app."),
            ),
            handshakes=(
                Handshake(
                    key="twitter_crc",
                    when=When(method="GET", present=("query:crc_token",)),
                    shapes={"query:crc_token": r"[A-Za-z0-9+/=_.~:-]{1,256}"},
                    respond=Respond(json={"response_token": "sha256={hmac/sha256/base64/query:crc_token}"}),
                ),
            ),
            dedupe="{{ event.raw }}",
            success=Success(200, ""),
        ),
    ),
)
