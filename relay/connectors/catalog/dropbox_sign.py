"""Dropbox Sign: events by webhook."""

from relay.connectors.definition import Connector, Field, Preset, Success
from relay.signatures import Scheme, Signature

DROPBOX_SIGN = Connector(
    key="dropbox_sign",
    label="Dropbox Sign",
    docs="https://developers.hellosign.com/docs/events/overview/",
    presets=(
        Preset(
            key="dropbox_sign",
            label="Dropbox Sign",
            body_types=("multipart", "form"),
            form_fields=("json",),
            verify=Scheme(
                kind="hmac",
                signature=Signature("json:event.event_hash", "hex"),
                signed="{json:event.event_time}{json:event.event_type}",
                payload="form:json",
            ),
            secret=(
                Field(
                    "secret",
                    "API key",
                    required=True,
                    secret=True,
                    help="Of the account or app that the callback belongs to.",
                ),
            ),
            dedupe="{{ event.form.json }}",
            event="{{ event.body.event.event_type }}",
            example="signature_request_all_signed",
            caution="Only the time and the type of the event are signed, not its content.",
            success=Success(200, "Hello API Event Received"),
        ),
    ),
)
