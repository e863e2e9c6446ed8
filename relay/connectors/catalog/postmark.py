"""Postmark: events by webhook."""

from relay.connectors.definition import Connector, Field, Preset, Success
from relay.signatures.generic import BASIC

POSTMARK = Connector(
    key="postmark",
    label="Postmark",
    docs="https://postmarkapp.com/developer/webhooks/webhooks-overview",
    presets=(
        Preset(
            key="postmark",
            label="Postmark",
            verify=BASIC,
            scheme="basic_auth",
            secret=(
                Field("username", "User name", required=True),
                Field("password", "Password", required=True, secret=True),
            ),
            dedupe="{{ event.body.MessageID }} {{ event.body.RecordType }}",
            event="{{ event.body.RecordType }}",
            example="Bounce",
            help="Enter the same user name and password at the webhook.",
            caution="The password signs nothing: who knows it can send any event.",
            success=Success(200, ""),
        ),
    ),
)
