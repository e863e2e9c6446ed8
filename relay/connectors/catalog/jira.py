"""Jira: events by webhook."""

from relay.connectors.definition import Connector, Field, Preset
from relay.signatures import Scheme, Signature

JIRA = Connector(
    key="jira",
    label="Jira",
    docs="https://developer.atlassian.com/cloud/jira/platform/webhooks/",
    presets=(
        Preset(
            key="jira",
            label="Jira",
            body_types=("json",),
            verify=Scheme(kind="hmac", signature=Signature("header:x-hub-signature", "hex", prefix="sha256=")),
            scheme="hub_sha256",
            secret=(
                Field(
                    "secret",
                    "Secret",
                    required=True,
                    secret=True,
                    help="The secret of the webhook; without one, Jira signs nothing.",
                ),
            ),
            dedupe="{{ event.raw }}",
            event="{{ event.body.webhookEvent }}",
            example="jira:issue_created",
        ),
    ),
)
