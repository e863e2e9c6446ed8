"""Mailgun: events by webhook, mails by route."""

from relay.connectors.definition import Connector, Field, Preset, Success
from relay.signatures import Scheme, Signature, Timestamp

SECRET = (
    Field("secret", "HTTP webhook signing key", required=True, secret=True, help="Shown on the API security page."),
)

MAILGUN = Connector(
    key="mailgun",
    label="Mailgun",
    docs="https://documentation.mailgun.com/docs/mailgun/user-manual/webhooks/securing-webhooks",
    presets=(
        Preset(
            key="mailgun",
            label="Mailgun",
            body_types=("json",),
            verify=Scheme(
                kind="hmac",
                signature=Signature("json:signature.signature", "hex"),
                signed="{json:signature.timestamp}{json:signature.token}",
                timestamp=Timestamp("json:signature.timestamp"),
            ),
            secret=SECRET,
            dedupe="{{ event.body.signature.token }}",
            event="{{ event.body['event-data'].event }}",
            example="delivered",
            caution="Only a time and a token are signed, not the content of the event.",
            success=Success(200, ""),
        ),
        Preset(
            key="mailgun_routes",
            label="Mailgun (routes)",
            body_types=("multipart", "form"),
            form_fields=("message-headers", "attachments", "content-id-map"),
            verify=Scheme(
                kind="hmac",
                signature=Signature("form:signature", "hex"),
                signed="{form:timestamp}{form:token}",
                timestamp=Timestamp("form:timestamp"),
            ),
            secret=SECRET,
            docs="https://documentation.mailgun.com/docs/mailgun/user-manual/receive-forward-store/receive-http",
            dedupe="{{ event.body.token }}",
            help="For the action forward() or store(notify=...) of a route.",
            caution="Only a time and a token are signed, not the mail.",
            success=Success(200, ""),
        ),
    ),
)
