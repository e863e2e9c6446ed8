"""Braintree: events by webhook."""

from relay.connectors.definition import Connector, Field, Preset, Success
from relay.signatures import Handshake, Key, Respond, Scheme, Signature, When

BRAINTREE = Connector(
    key="braintree",
    label="Braintree",
    docs="https://developer.paypal.com/braintree/docs/guides/webhooks/overview",
    presets=(
        Preset(
            key="braintree",
            label="Braintree",
            body_types=("form",),
            form_fields=("bt_payload",),
            verify=Scheme(
                kind="hmac",
                algorithm="sha1",
                signature=Signature("form:bt_signature", "hex", split="&", kv="|", field="$public_key"),
                signed="{form:bt_payload}",
                key=Key("sha1", part="private_key"),
            ),
            secret=(
                Field("public_key", "Public key", required=True),
                Field("private_key", "Private key", required=True, secret=True),
            ),
            handshakes=(
                Handshake(
                    key="braintree_handshake",
                    when=When(method="GET", present=("query:bt_challenge",)),
                    shapes={"query:bt_challenge": "[a-f0-9]{20,32}"},
                    secret=Key("sha1", part="private_key"),
                    respond=Respond(body="{key:public_key}|{hmac/sha1/hex/query:bt_challenge}"),
                ),
            ),
            dedupe="{{ event.form.bt_payload }}",
            event="{{ event.body.bt_payload.notification.kind }}",
            example="subscription_charged_successfully",
            success=Success(200, ""),
        ),
    ),
)
