"""Notion: pages, and events by webhook."""

from dataclasses import replace

from relay.connectors.definition import (
    Action,
    BearerAuth,
    Call,
    ConnectionTest,
    Connector,
    Field,
    OptionSource,
    Output,
    Preset,
    Reply,
)
from relay.signatures import Handshake, Scheme, Signature, When

ID = r"[0-9a-fA-F]{8}-?([0-9a-fA-F]{4}-?){3}[0-9a-fA-F]{12}"
SOURCE = Field(
    "data_source_id",
    "Database",
    required=True,
    source="data_sources",
    pattern=ID,
    example="f336d0bc-b841-465b-8045-024475c079dd",
    help="The id of its data source. To find it, choose Copy data source ID in the menu of the database.",
)
PAGE = Field(
    "page_id",
    "Page",
    required=True,
    pattern=ID,
    example="b55c9c91-384d-452b-81db-d1ef79372b75",
    help="The page's id: the last 32 letters and digits of its URL.",
)
PROPERTIES = Field(
    "properties",
    "Properties",
    kind="json",
    example={"Status": {"select": {"name": "Open"}}, "Total": {"number": 149.9}},
    help="Values by the names of the properties, each in Notion's format for its type.",
)
TITLE = Field("title", "Title", max_length=2000, example="Order 1001")
# The title of a page has the id `title`, whatever its name.
TITLED = "{{ inputs.properties | default({}) | merge({'title': {'title': [{'text': {'content': inputs.title}}]}}"
BLOCK = "[{'object': 'block', 'type': %s, %s: {'rich_text': [{'type': 'text', 'text': {'content': inputs.text}}]}}]"
CHANGED = (
    Output("id", "Page id", "id", example="b55c9c91-384d-452b-81db-d1ef79372b75"),
    Output("url", "Page URL", "url", example="https://www.notion.so/Order-1001-b55c9c91384d452b81dbd1ef79372b75"),
)

NOTION = Connector(
    key="notion",
    label="Notion",
    docs="https://developers.notion.com/reference/intro",
    help="Creates, changes and finds pages. The pages must be shared with the integration.",
    categories=("notes", "databases"),
    hosts=("api.notion.com",),
    base_url="https://api.notion.com/v1",
    headers={"Notion-Version": "2025-09-03"},
    auth=BearerAuth(),
    connection=(
        Field(
            "token",
            "Integration secret",
            required=True,
            secret=True,
            pattern="(secret_|ntn_)[0-9A-Za-z]{16,100}",
            example="ntn_0123456789abcdefghij",
            help="On the page Configuration of the internal integration.",
        ),
    ),
    # 409: two changes met; the service asks for another try.
    reply=Reply(error="message", refused=(401,), retry=("conflict_error", "rate_limited", "service_unavailable")),
    test=ConnectionTest(
        Call("test", "Test the secret", url="/users/me"),
        identity="{{ body.name }}{{ ' in ' ~ body.bot.workspace_name if body.bot.workspace_name | default('') }}",
    ),
    sources=(
        OptionSource(
            "data_sources",
            Call(
                "data_sources",
                "List the databases",
                method="POST",
                url="/search",
                json={
                    "query": "{{ search }}",
                    "filter": {"property": "object", "value": "data_source"},
                    "page_size": 100,
                },
            ),
            rows="results",
            label="{{ row.title | map(attribute='plain_text') | join | default('Untitled', true) }}",
            searches=True,
        ),
    ),
    presets=(
        Preset(
            key="notion",
            label="Notion",
            body_types=("json",),
            verify=Scheme(kind="hmac", signature=Signature("header:x-notion-signature", "hex", prefix="sha256=")),
            secret=(Field("secret", "Verification token", required=True, secret=True, help="Set by the handshake."),),
            handshakes=(
                Handshake(
                    key="notion_handshake",
                    when=When(present=("json:verification_token",)),
                    auth="setup_only",
                    store="json:verification_token",
                    shapes={"json:verification_token": "[A-Za-z0-9_.-]{8,256}"},
                ),
            ),
            dedupe="{{ event.body.id }}",
            event="{{ event.body.type }}",
            example="page.content_updated",
            help="The handshake sets it when the subscription is created; show it here, and paste it into Notion.",
            docs="https://developers.notion.com/reference/webhooks",
        ),
    ),
    actions=(
        Action(
            key="create_page",
            label="Create a page in a database",
            inputs=(
                SOURCE,
                replace(TITLE, required=True),
                PROPERTIES,
                Field(
                    "text", "Text", kind="text", max_length=2000, example="Two boxes", help="The page's first block."
                ),
            ),
            url="/pages",
            json={
                "parent": {"type": "data_source_id", "data_source_id": "{{ inputs.data_source_id }}"},
                "properties": TITLED + ") }}",
                "children": "{{ " + BLOCK % ("'paragraph'", "'paragraph'") + " if inputs.text }}",
            },
            outputs=CHANGED,
            repeatable=False,
            proof="spec",
            docs="https://developers.notion.com/reference/post-page",
        ),
        Action(
            key="update_page",
            label="Change a page",
            help="Properties that aren't given stay as they are.",
            inputs=(
                PAGE,
                TITLE,
                PROPERTIES,
                Field(
                    "in_trash", "In the trash", kind="boolean", example=False, help="Yes moves the page to the trash."
                ),
            ),
            method="PATCH",
            url="/pages/{{ inputs.page_id | urlencode }}",
            json={
                "properties": TITLED + " if inputs.title is defined else {}) }}",
                "in_trash": "{{ inputs.in_trash }}",
            },
            outputs=CHANGED,
            docs="https://developers.notion.com/reference/patch-page",
        ),
        Action(
            key="append_text",
            label="Add text to a page",
            help="Adds one block at the end of the page.",
            inputs=(
                PAGE,
                Field("text", "Text", kind="text", required=True, max_length=2000, example="Sent at noon"),
                Field(
                    "style",
                    "Block type",
                    kind="choice",
                    options=("paragraph", "bulleted_list_item"),
                    default="paragraph",
                    example="paragraph",
                ),
            ),
            method="PATCH",
            url="/blocks/{{ inputs.page_id | urlencode }}/children",
            json={"children": "{{ " + BLOCK % ("inputs.style", "inputs.style") + " }}"},
            outputs=(Output("id", "Block id", "results.0.id", example="c02fc1d3-db8b-45c5-a222-27595b15aea7"),),
            repeatable=False,
            docs="https://developers.notion.com/reference/patch-block-children",
        ),
        Action(
            key="find_page",
            label="Find a page by its title",
            help="A new page is found only after some time.",
            inputs=(Field("title", "Words of the title", required=True, max_length=500, example="Order 1001"),),
            url="/search",
            json={
                "query": "{{ inputs.title }}",
                "filter": {"property": "object", "value": "page"},
                "page_size": 10,
            },
            outputs=(
                Output("id", "Id of the first", "results.0.id", example="b55c9c91-384d-452b-81db-d1ef79372b75"),
                Output("url", "URL of the first", "results.0.url", example="https://www.notion.so/Order-1001-b55c9c91"),
                Output("pages", "Pages", "results", example=[{"id": "b55c9c91-384d-452b-81db-d1ef79372b75"}]),
            ),
            docs="https://developers.notion.com/reference/post-search",
        ),
        Action(
            key="query",
            label="Find pages of a database",
            inputs=(
                SOURCE,
                Field(
                    "filter",
                    "Filter",
                    kind="json",
                    example={"property": "Status", "select": {"equals": "Open"}},
                    help="A filter in Notion's format. Without one, all pages are listed.",
                ),
                Field(
                    "sorts",
                    "Order",
                    kind="json",
                    example=[{"property": "Total", "direction": "descending"}],
                    help="A list of sorts in Notion's format.",
                ),
                Field("page_size", "Number of pages", kind="integer", default=100, minimum=1, maximum=100, example=100),
            ),
            url="/data_sources/{{ inputs.data_source_id | urlencode }}/query",
            json={
                "filter": "{{ inputs.filter }}",
                "sorts": "{{ inputs.sorts }}",
                "page_size": "{{ inputs.page_size }}",
            },
            outputs=(
                Output("id", "Id of the first", "results.0.id", example="b55c9c91-384d-452b-81db-d1ef79372b75"),
                Output("pages", "Pages", "results", example=[{"id": "b55c9c91-384d-452b-81db-d1ef79372b75"}]),
                Output("has_more", "Has more pages", "has_more", example=False),
            ),
            docs="https://developers.notion.com/reference/query-a-data-source",
        ),
    ),
)
