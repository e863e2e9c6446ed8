"""Zendesk: tickets and users, and events by webhook."""

from relay.connectors.catalog._zendesk_records import GROUP, PRIORITY, RECORDS, TYPE
from relay.connectors.definition import (
    Action,
    BasicAuth,
    Call,
    ConnectionTest,
    Connector,
    Field,
    OptionSource,
    Output,
    Paging,
    Preset,
    Reply,
    Wait,
)
from relay.signatures import Scheme, Signature, Timestamp

ZENDESK = Connector(
    key="zendesk",
    label="Zendesk",
    docs="https://developer.zendesk.com/documentation/webhooks/verifying/",
    help="Creates, changes and finds tickets, and creates and changes users.",
    categories=("support",),
    hosts=("{{ connection.subdomain }}.zendesk.com",),
    base_url="https://{{ connection.subdomain }}.zendesk.com/api/v2",
    auth=BasicAuth("{{ connection.email }}/token", "{{ connection.token }}"),
    reply=Reply(
        error="description", refused=(401,), wait=(Wait("ratelimit-reset", only_if=("ratelimit-remaining", "0")),)
    ),
    # Zendesk answers 200 with an anonymous user to a credential that is invalid.
    test=ConnectionTest(
        Call(
            "me", "User", url="/users/me", reply=Reply(says=("user.verified", True), error="user.name", refused=(401,))
        ),
        identity="{{ body.user.email }}",
    ),
    sources=(
        OptionSource("groups", Call("groups", "Groups", url="/groups"), rows="groups", paging=Paging(link="next_page")),
    ),
    connection=(
        Field(
            "subdomain",
            "Subdomain",
            required=True,
            pattern=r"[a-z0-9][a-z0-9-]{0,62}",
            example="acme",
            help="The part before .zendesk.com.",
        ),
        Field(
            "email", "E-mail", required=True, max_length=320, help="The address of the agent that the token belongs to."
        ),
        Field("token", "API token", required=True, secret=True, pattern=r"[0-9A-Za-z]{16,200}"),
    ),
    presets=(
        Preset(
            key="zendesk",
            label="Zendesk",
            body_types=("json", "xml", "form"),
            verify=Scheme(
                kind="hmac",
                signature=Signature("header:x-zendesk-webhook-signature", "base64"),
                signed="{timestamp}{body}",
                timestamp=Timestamp("header:x-zendesk-webhook-signature-timestamp", "iso"),
            ),
            secret=(Field("secret", "Signing secret", required=True, secret=True, help="Shown at the webhook."),),
            # The body of a trigger's webhook may always be the same, so the signed time is part of the key.
            dedupe="{{ event.headers['x-zendesk-webhook-signature-timestamp'] }} {{ event.raw }}",
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
                    help="The person who asks. If empty, the agent of the connection.",
                ),
                Field("requester_name", "Requester's name", max_length=255, example="Ada"),
                PRIORITY,
                TYPE,
                Field("tags", "Tags", kind="list", example=["shipping"]),
                GROUP,
                Field("external_id", "External id", max_length=255, example="order-1001"),
                Field("public", "Public", kind="boolean", default=True, help="Whether the requester sees the text."),
            ),
            url="/tickets",
            json={
                "ticket": {
                    # One line, also if a value has line breaks.
                    "subject": "{{ inputs.subject | lines | join(' ') }}",
                    "comment": {"body": "{{ inputs.body }}", "public": "{{ inputs.public }}"},
                    # The whole requester is left out without an address.
                    "requester": "{{ {'email': inputs.requester_email,"
                    " 'name': inputs.requester_name | default(inputs.requester_email)} }}",
                    "priority": "{{ inputs.priority }}",
                    "type": "{{ inputs.type }}",
                    "tags": "{{ inputs.tags }}",
                    "group_id": "{{ inputs.group_id }}",
                    "external_id": "{{ inputs.external_id }}",
                }
            },
            outputs=(
                Output("id", "Ticket number", "ticket.id", example=35436),
                Output("url", "Ticket", "ticket.url", example="https://acme.zendesk.com/api/v2/tickets/35436.json"),
            ),
            proof="spec",
            docs="https://developer.zendesk.com/api-reference/ticketing/tickets/tickets/",
        ),
        *RECORDS,
    ),
)
