"""Twilio: text messages, which cost money and can't be taken back."""

from relay.connectors.definition import SIGNED_FORM, Action, BasicAuth, Connector, Field, Output, Preset, Reply, Success
from relay.signatures import BodyHash, Scheme, Signature

TOKEN = (Field("secret", "Auth token", required=True, secret=True, help="Of the account, from the console."),)

TWILIO = Connector(
    key="twilio",
    label="Twilio",
    docs="https://www.twilio.com/docs/messaging/api/message-resource",
    help="Sends text messages (SMS).",
    hosts=("api.twilio.com",),
    base_url="https://api.twilio.com/2010-04-01/Accounts/{{ connection.account_sid | urlencode }}",
    auth=BasicAuth("{{ connection.account_sid }}", "{{ connection.auth_token }}"),
    reply=Reply(error="message", refused=(401,)),
    connection=(
        Field(
            "account_sid",
            "Account SID",
            required=True,
            pattern=r"AC[0-9a-fA-F]{32}",
            example="AC0123456789abcdef0123456789abcdef",
            help="In the Twilio console.",
        ),
        Field("auth_token", "Auth token", required=True, secret=True, pattern=r"[0-9A-Za-z]{16,64}"),
    ),
    presets=(
        Preset(
            key="twilio",
            label="Twilio (messages and calls)",
            body_types=("form",),
            docs="https://www.twilio.com/docs/usage/webhooks/webhooks-security",
            verify=Scheme(
                kind="hmac",
                algorithm="sha1",
                signature=Signature("header:x-twilio-signature", "base64"),
                signed="{url}{sorted_form}",
                default_port=True,
                spellings=True,
            ),
            scheme="twilio_form",
            secret=TOKEN,
            dedupe=SIGNED_FORM,
            event="{{ event.body.MessageStatus }}",
            example="delivered",
            caution="The signature does not show where a field name ends: anyone who has recorded a request "
            "can send it with other names and values that read the same when joined.",
            success=Success(200, "<Response/>", {"Content-Type": "text/xml"}),
        ),
        Preset(
            key="twilio_json",
            label="Twilio (events as JSON)",
            body_types=("json",),
            docs="https://www.twilio.com/docs/usage/webhooks/webhooks-security",
            verify=Scheme(
                kind="hmac",
                algorithm="sha1",
                signature=Signature("header:x-twilio-signature", "base64"),
                signed="{url}",
                body_hash=BodyHash("query:bodySHA256"),
                default_port=True,
                spellings=True,
            ),
            secret=TOKEN,
            dedupe="{{ event.raw }}",
            event="{{ event.body[0].type }}",
            example="com.twilio.messaging.message.delivered",
        ),
    ),
    actions=(
        Action(
            key="send_sms",
            label="Send a text message",
            help="Twilio accepts the message, and reports later whether it arrived. It cannot be undone.",
            inputs=(
                Field(
                    "to", "To", required=True, max_length=60, example="+4915112345678", help="With the country code."
                ),
                Field(
                    "from",
                    "From",
                    required=True,
                    max_length=60,
                    example="+15005550006",
                    help="One of your Twilio numbers.",
                ),
                Field(
                    "body", "Message", kind="text", required=True, max_length=1600, example="Your order is on its way"
                ),
            ),
            url="/Messages.json",
            body={"form": {"To": "{{ inputs.to }}", "From": "{{ inputs.from }}", "Body": "{{ inputs.body }}"}},
            outputs=(Output("sid", "Message SID", "sid"), Output("sms_status", "Status", "status")),
            repeatable=False,
        ),
    ),
)
