"""Adyen: events by webhook."""

from relay.connectors.definition import Connector, Field, Preset, Success
from relay.signatures import Key, Scheme, Signature

ADYEN = Connector(
    key="adyen",
    label="Adyen",
    docs="https://docs.adyen.com/development-resources/webhooks/",
    presets=(
        Preset(
            key="adyen",
            label="Adyen (standard webhook)",
            body_types=("json",),
            verify=Scheme(
                kind="hmac",
                signature=Signature("json:additionalData.hmacSignature", "base64"),
                signed=(
                    "{json:pspReference}:{json:originalReference}:{json:merchantAccountCode}:{json:merchantReference}"
                    ":{json:amount.value}:{json:amount.currency}:{json:eventCode}:{json:success}"
                ),
                key=Key("hex"),
                each="notificationItems.NotificationRequestItem",
            ),
            scheme="adyen_standard",
            secret=(
                Field(
                    "secret",
                    "HMAC key",
                    required=True,
                    secret=True,
                    help="Created at the webhook, in the Customer Area.",
                ),
            ),
            dedupe="{{ event.body.notificationItems[0].NotificationRequestItem.pspReference }}"
            " {{ event.body.notificationItems[0].NotificationRequestItem.eventCode }}"
            " {{ event.body.notificationItems[0].NotificationRequestItem.success }}",
            event="{{ event.body.notificationItems[0].NotificationRequestItem.eventCode }}",
            example="AUTHORISATION",
            caution="Eight fields of each item are signed, the rest is not.",
            success=Success(200, "[accepted]"),
        ),
        Preset(
            key="adyen_banking",
            label="Adyen (platform webhooks)",
            body_types=("json",),
            verify=Scheme(kind="hmac", signature=Signature("header:hmacsignature", "base64"), key=Key("hex")),
            secret=(
                Field(
                    "secret",
                    "HMAC key",
                    required=True,
                    secret=True,
                    help="Created at the webhook, in the Customer Area.",
                ),
            ),
            dedupe="{{ event.raw }}",
            event="{{ event.body.type }}",
            example="balancePlatform.transfer.created",
            success=Success(200, "[accepted]"),
        ),
    ),
)
