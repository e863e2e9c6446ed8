"""Intercom: events by webhook."""

from relay.connectors.definition import Connector, Field, Preset
from relay.signatures import Handshake, Scheme, Signature, When

INTERCOM = Connector(
    key="intercom",
    label="Intercom",
    docs="https://developers.intercom.com/docs/webhooks/webhook-notifications",
    presets=(
        Preset(
            key="intercom",
            label="Intercom",
            body_types=("json",),
            verify=Scheme(
                kind="hmac", algorithm="sha1", signature=Signature("header:x-hub-signature", "hex", prefix="sha1=")
            ),
            scheme="hub_sha1",
            secret=(
                Field("secret", "Client secret", required=True, secret=True, help="Of the app, in the Developer Hub."),
            ),
            handshakes=(Handshake(key="intercom_ping", when=When(equals={"json:topic": "ping"}), auth="signed"),),
            dedupe="{{ event.body.id }}",
            event="{{ event.body.topic }}",
            example="conversation.user.created",
        ),
    ),
)
