"""Twilio: text messages, which cost money and can't be taken back."""

from relay.connectors.definition import Action, Connector, Field, Output, Preset, Reply, Success
from relay.signatures import BodyHash, Scheme, Signature

TOKEN = (Field("secret", "Auth token", required=True, secret=True, help="Of the account, from the console."),)

TWILIO = Connector(
    key="twilio",
    label="Twilio",
    docs="https://www.twilio.com/docs/messaging/api/message-resource",
    help="Sends text messages (SMS).",
    hosts=("api.twilio.com",),
    connection=(
        Field("account_sid", "Account SID", required=True, pattern=r"AC[0-9a-fA-F]{32}", help="From the console."),
        Field("auth_token", "Auth token", required=True, secret=True, pattern=r"[0-9A-Za-z]{16,64}"),
    ),
    presets=(
        Preset(
            key="twilio",
            label="Twilio (messages and calls)",
            docs="https://www.twilio.com/docs/usage/webhooks/webhooks-security",
            verify=Scheme(
                kind="hmac",
                algorithm="sha1",
                signature=Signature("header:x-twilio-signature", "base64"),
                signed="{url}{sorted_form}",
                default_port=True,
            ),
            scheme="twilio_form",
            secret=TOKEN,
            dedupe="{{ event.headers['i-twilio-idempotency-token'] }}",
            event="{{ event.body.MessageStatus }}",
            example="delivered",
            success=Success(200, "<Response/>", {"Content-Type": "text/xml"}),
        ),
        Preset(
            key="twilio_json",
            label="Twilio (events as JSON)",
            docs="https://www.twilio.com/docs/usage/webhooks/webhooks-security",
            verify=Scheme(
                kind="hmac",
                algorithm="sha1",
                signature=Signature("header:x-twilio-signature", "base64"),
                signed="{url}",
                body_hash=BodyHash("query:bodySHA256"),
                default_port=True,
            ),
            secret=TOKEN,
            dedupe="{{ event.headers['i-twilio-idempotency-token'] }}",
            event="{{ event.body[0].type }}",
            example="com.twilio.messaging.message.delivered",
        ),
    ),
    actions=(
        Action(
            key="send_sms",
            label="Send a text message",
            help="Twilio accepts it; whether it arrived is reported later. Nobody can take it back.",
            inputs=(
                Field("to", "To", required=True, max_length=60, example="+4915112345678", help="With country code."),
                Field(
                    "from", "From", required=True, max_length=60, example="+15005550006", help="One of your numbers."
                ),
                Field(
                    "body", "Message", kind="text", required=True, max_length=1600, example="Your order is on its way"
                ),
            ),
            url="https://api.twilio.com/2010-04-01/Accounts/{{ connection.account_sid }}/Messages.json",
            basic=("{{ connection.account_sid }}", "{{ connection.auth_token }}"),
            body={"form": {"To": "{{ inputs.to }}", "From": "{{ inputs.from }}", "Body": "{{ inputs.body }}"}},
            reply=Reply(error="message", refused=(401,)),
            outputs=(Output("sid", "Message SID", "sid"), Output("sms_status", "Status", "status")),
            repeatable=False,
        ),
    ),
)
