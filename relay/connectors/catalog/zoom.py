"""Zoom: events by webhook."""

from relay.connectors.definition import Connector, Field, Preset, Success
from relay.signatures import Handshake, Respond, Scheme, Signature, Timestamp, When

ZOOM = Connector(
    key="zoom",
    label="Zoom",
    docs="https://developers.zoom.us/docs/api/webhooks/",
    presets=(
        Preset(
            key="zoom",
            label="Zoom",
            body_types=("json",),
            verify=Scheme(
                kind="hmac",
                signature=Signature("header:x-zm-signature", "hex", prefix="v0="),
                signed="v0:{timestamp}:{body}",
                timestamp=Timestamp("header:x-zm-request-timestamp"),
            ),
            secret=(
                Field("secret", "Secret token", required=True, secret=True, help="On the Feature page of the app."),
            ),
            handshakes=(
                Handshake(
                    key="zoom_url_validation",
                    when=When(equals={"json:event": "endpoint.url_validation"}),
                    auth="signed",
                    shapes={"json:payload.plainToken": "[A-Za-z0-9+/=_.~-]{1,256}"},
                    respond=Respond(
                        json={
                            "plainToken": "{json:payload.plainToken}",
                            "encryptedToken": "{hmac/sha256/hex/json:payload.plainToken}",
                        }
                    ),
                ),
            ),
            dedupe="{{ event.raw }}",
            event="{{ event.body.event }}",
            example="meeting.started",
            success=Success(200, ""),
        ),
    ),
)
