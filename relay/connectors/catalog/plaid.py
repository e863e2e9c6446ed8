"""Plaid: events by webhook."""

from relay.connectors.definition import Connector, Field, Preset, Success
from relay.signatures import Named

PLAID = Connector(
    key="plaid",
    label="Plaid",
    docs="https://plaid.com/docs/api/webhooks/webhook-verification/",
    presets=(
        Preset(
            key="plaid",
            label="Plaid",
            body_types=("json",),
            verify=Named(
                verifier="keyed_claims",
                tolerance=300,
                options={
                    "header": "plaid-verification",
                    "body": "request_body_sha256",
                    "url": "https://production.plaid.com/webhook_verification_key/get",
                },
            ),
            secret=(
                Field("client_id", "Client ID", required=True),
                Field(
                    "secret",
                    "Secret",
                    required=True,
                    secret=True,
                    help="Of production: Relay fetches the signature's key with it.",
                ),
            ),
            dedupe="{{ event.raw }}",
            event="{{ event.body.webhook_type }}.{{ event.body.webhook_code }}",
            example="TRANSACTIONS.SYNC_UPDATES_AVAILABLE",
            success=Success(200, ""),
        ),
    ),
)
