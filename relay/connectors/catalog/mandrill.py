"""Mailchimp Transactional (Mandrill): events by webhook."""

from relay.connectors.definition import SIGNED_OPENED_FORM, Connector, Field, Preset, Success
from relay.signatures import Scheme, Signature

MANDRILL = Connector(
    key="mandrill",
    label="Mailchimp Transactional (Mandrill)",
    docs="https://mailchimp.com/developer/transactional/guides/track-respond-activity-webhooks/",
    presets=(
        Preset(
            key="mandrill",
            label="Mailchimp Transactional (Mandrill)",
            body_types=("form",),
            form_fields=("mandrill_events",),
            verify=Scheme(
                kind="hmac",
                algorithm="sha1",
                signature=Signature("header:x-mandrill-signature", "base64"),
                signed="{url}{sorted_form}",
            ),
            secret=(Field("secret", "Webhook key", required=True, secret=True, help="Shown at the webhook."),),
            dedupe=SIGNED_OPENED_FORM,
            event="{{ event.body[0].event }}",
            example="hard_bounce",
            success=Success(200, ""),
        ),
    ),
)
