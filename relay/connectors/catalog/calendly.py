"""Calendly: events by webhook."""

from relay.connectors.definition import (
    BearerAuth,
    Call,
    ConnectionTest,
    Connector,
    Field,
    Preset,
    Reply,
    Subscription,
)
from relay.signatures import Scheme, Signature, Timestamp

ME = Call(
    "me",
    "Account",
    url="/users/me",
    example={
        "resource": {
            "uri": "https://api.calendly.com/users/AAAAAAAAAAAAAAAA",
            "name": "Ada Lovelace",
            "current_organization": "https://api.calendly.com/organizations/BBBBBBBBBBBBBBBB",
        }
    },
)
ORGANIZATION = "{{ calls.me.body.resource.current_organization }}"
# A webhook of the whole organization names no user: the missing name leaves the field out.
USER = "{{ calls.me.body.resource.uri if inputs.scope == 'user' else calls.me.nothing }}"

CALENDLY = Connector(
    key="calendly",
    label="Calendly",
    docs="https://developer.calendly.com/docs/webhooks/overview",
    help="Sends an event for each booking and cancellation.",
    hosts=("api.calendly.com",),
    base_url="https://api.calendly.com",
    auth=BearerAuth(),
    reply=Reply(error="message", refused=(401,)),
    test=ConnectionTest(ME, identity="{{ body.resource.name }}"),
    connection=(
        Field(
            "token",
            "Personal access token",
            required=True,
            secret=True,
            pattern=r"[0-9A-Za-z._-]{16,2000}",
            help="Create one in Calendly, under Integrations, API and webhooks, with the scopes users:read, "
            "webhooks:read, webhooks:write and scheduled_events:read.",
        ),
    ),
    presets=(
        Preset(
            key="calendly",
            label="Calendly",
            body_types=("json",),
            verify=Scheme(
                kind="hmac",
                signature=Signature("header:calendly-webhook-signature", "hex", split=",", kv="=", field="v1"),
                signed="{timestamp}.{body}",
                timestamp=Timestamp("sig:t", tolerance=180),
            ),
            secret=(
                Field(
                    "secret",
                    "Signing key",
                    required=True,
                    secret=True,
                    help="The signing_key with which the subscription was created.",
                ),
            ),
            dedupe="{{ event.body.payload.uri }} {{ event.body.event }}",
            event="{{ event.body.event }}",
            example="invitee.created",
            docs="https://developer.calendly.com/api-docs/overview/webhooks/webhook-signatures",
            subscription=Subscription(
                before=(ME,),
                subscribe=Call(
                    "subscribe",
                    "Create the webhook",
                    "POST",
                    "/webhook_subscriptions",
                    json={
                        "url": "{{ url }}",
                        "events": "{{ inputs.events }}",
                        "organization": ORGANIZATION,
                        "user": USER,
                        "scope": "{{ inputs.scope }}",
                        "signing_key": "{{ secret }}",
                    },
                    repeatable=False,
                ),
                unsubscribe=Call(
                    "unsubscribe",
                    "Delete the webhook",
                    "DELETE",
                    "/webhook_subscriptions/{{ subscription.id | split('/') | last | urlencode }}",
                    absent=(404,),
                ),
                id="resource.uri",
                existing=Call(
                    "webhooks",
                    "Webhooks",
                    url="/webhook_subscriptions",
                    query={
                        "organization": ORGANIZATION,
                        "user": USER,
                        "scope": "{{ inputs.scope }}",
                        "count": "100",
                    },
                ),
                rows="collection",
                match="{{ row.callback_url == url }}",
                row_id="uri",
                makes_secret=True,
                inputs=(
                    Field(
                        "scope",
                        "Whose events",
                        kind="choice",
                        options=("user", "organization"),
                        default="user",
                        required=True,
                        help="user: events of the owner of the token. organization: events of everybody; the token "
                        "must belong to an owner or an admin.",
                    ),
                    Field(
                        "events",
                        "Events",
                        kind="list",
                        required=True,
                        default=["invitee.created", "invitee.canceled"],
                        example=["invitee.created", "invitee.canceled"],
                        max_items=20,
                        help="Their names in Calendly's documentation, such as invitee.created. "
                        "routing_form_submission.created is for the organization only.",
                    ),
                ),
                docs="https://developer.calendly.com/api-docs/calendly-api/webhooks/create-webhook-subscription",
                help="Calendly offers webhooks with its paid plans.",
            ),
        ),
    ),
)
