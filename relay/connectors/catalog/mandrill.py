"""Mailchimp Transactional (Mandrill): events by webhook."""

from relay.connectors.definition import Connector, Field, Preset, Success
from relay.signatures import Scheme, Signature

MANDRILL = Connector(
    key="mandrill",
    label="Mailchimp Transactional (Mandrill)",
    docs="https://mailchimp.com/developer/transactional/guides/track-respond-activity-webhooks/",
    presets=(
        Preset(
            key="mandrill",
            label="Mailchimp Transactional (Mandrill)",
            verify=Scheme(
                kind="hmac",
                algorithm="sha1",
                signature=Signature("header:x-mandrill-signature", "base64"),
                signed="{url}{sorted_form}",
            ),
            secret=(Field("secret", "Webhook key", required=True, secret=True, help="Shown at the webhook."),),
            dedupe="{{ event.body.mandrill_events }}",
            success=Success(200, ""),
        ),
    ),
)
