"""GitHub: events by webhook."""

from relay.connectors.definition import Connector, Field, Preset
from relay.signatures import Handshake, Scheme, Signature, When

GITHUB = Connector(
    key="github",
    label="GitHub",
    docs="https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries",
    presets=(
        Preset(
            key="github",
            label="GitHub",
            verify=Scheme(
                kind="hmac", signature=Signature("header:x-hub-signature-256", "lower_hex", prefix="sha256=")
            ),
            secret=(
                Field("secret", "Secret", required=True, secret=True, help="The secret of the webhook, chosen by you."),
            ),
            handshakes=(
                Handshake(key="github_ping", when=When(equals={"header:x-github-event": "ping"}), auth="signed"),
            ),
            dedupe="{{ event.headers['x-github-delivery'] }}",
            event="{{ event.headers['x-github-event'] }}",
            example="push",
            caution="No time is signed: a recorded request can be sent again, and is known by its delivery id alone.",
        ),
    ),
)
