"""Zendesk: tickets, and events by webhook."""

from relay.connectors.definition import Action, Connector, Field, Output, Preset, Reply
from relay.signatures import Scheme, Signature, Timestamp

ZENDESK = Connector(
    key="zendesk",
    label="Zendesk",
    docs="https://developer.zendesk.com/documentation/webhooks/verifying/",
    help="Makes tickets.",
    hosts=("{{ connection.subdomain }}.zendesk.com",),
    connection=(
        Field(
            "subdomain",
            "Subdomain",
            required=True,
            pattern=r"[a-z0-9][a-z0-9-]{0,62}",
            example="acme",
            help="What stands before .zendesk.com.",
        ),
        Field("email", "E-mail", required=True, max_length=320, help="Of the agent that the token is for."),
        Field("token", "API token", required=True, secret=True, pattern=r"[0-9A-Za-z]{16,200}"),
    ),
    presets=(
        Preset(
            key="zendesk",
            label="Zendesk",
            verify=Scheme(
                kind="hmac",
                signature=Signature("header:x-zendesk-webhook-signature", "base64"),
                signed="{timestamp}{body}",
                timestamp=Timestamp("header:x-zendesk-webhook-signature-timestamp", "iso"),
            ),
            secret=(Field("secret", "Signing secret", required=True, secret=True, help="Shown at the webhook."),),
            dedupe="{{ event.headers['x-zendesk-webhook-invocation-id'] }}",
            event="{{ event.body.type }}",
            example="zen:event-type:ticket.created",
        ),
    ),
    actions=(
        Action(
            key="create_ticket",
            label="Create a ticket",
            inputs=(
                Field("subject", "Subject", required=True, max_length=1000, example="Parcel 1001 is stuck"),
                Field(
                    "body",
                    "Text",
                    kind="text",
                    required=True,
                    max_length=65_535,
                    example="It has not moved since Monday.",
                ),
                Field(
                    "requester_email",
                    "Requester's e-mail",
                    max_length=320,
                    example="ada@example.com",
                    help="Who asks; empty: the agent of the connection.",
                ),
                Field("requester_name", "Requester's name", max_length=255, example="Ada"),
                Field("priority", "Priority", kind="choice", options=("urgent", "high", "normal", "low")),
                Field("type", "Type", kind="choice", options=("problem", "incident", "question", "task")),
                Field("tags", "Tags", kind="list", example=["shipping"]),
                Field("group_id", "Group", kind="number", help="The number of the group."),
                Field("external_id", "Id elsewhere", max_length=255),
                Field("public", "Public", kind="boolean", default=True, help="Whether the requester sees the text."),
            ),
            url="https://{{ connection.subdomain }}.zendesk.com/api/v2/tickets",
            basic=("{{ connection.email }}/token", "{{ connection.token }}"),
            json={
                "ticket": {
                    # One line, whatever an event has in it.
                    "subject": "{{ inputs.subject | lines | join(' ') }}",
                    "comment": {"body": "{{ inputs.body }}", "public": "{{ inputs.public }}"},
                    # All of it is left out without an address.
                    "requester": "{{ {'email': inputs.requester_email,"
                    " 'name': inputs.requester_name | default(inputs.requester_email)} }}",
                    "priority": "{{ inputs.priority }}",
                    "type": "{{ inputs.type }}",
                    "tags": "{{ inputs.tags }}",
                    "group_id": "{{ inputs.group_id }}",
                    "external_id": "{{ inputs.external_id }}",
                }
            },
            reply=Reply(error="description", refused=(401,)),
            outputs=(Output("id", "Ticket number", "ticket.id"), Output("url", "Ticket", "ticket.url")),
        ),
    ),
)
