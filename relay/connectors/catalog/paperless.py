"""Paperless-ngx: documents for the archive, by an API token of one's own server."""

from relay.connectors.definition import (
    Action,
    Call,
    ConnectionTest,
    Connector,
    Field,
    HeaderAuth,
    OptionSource,
    Output,
    Reply,
)

DOCS = "https://docs.paperless-ngx.com/api/"
NAMES = {"page_size": "100", "fields": "id,name"}

PAPERLESS = Connector(
    key="paperless",
    label="Paperless-ngx",
    docs=DOCS,
    help="Puts files into your document archive.",
    categories=("files",),
    hosts=("{{ connection.url }}",),
    base_url="{{ connection.url }}/api",
    auth=HeaderAuth("Authorization", "Token {{ connection.token }}"),
    headers={"Accept": "application/json"},
    reply=Reply(error="detail", refused=(401,)),
    test=ConnectionTest(Call("documents", "Documents", url="/documents/", query={"page_size": "1"})),
    sources=(
        OptionSource("tags", Call("tags", "Tags", url="/tags/", query=NAMES), rows="results"),
        OptionSource(
            "correspondents", Call("people", "Correspondents", url="/correspondents/", query=NAMES), rows="results"
        ),
        OptionSource(
            "document_types", Call("types", "Document types", url="/document_types/", query=NAMES), rows="results"
        ),
    ),
    connection=(
        Field(
            "url",
            "Address of the server",
            kind="url",
            required=True,
            pattern=r"https?://[A-Za-z0-9.-]{1,253}(?::[0-9]{1,5})?(?:/[A-Za-z0-9._~-]{1,100}){0,5}",
            example="https://paperless.example.com",
            help="Such as https://paperless.example.com, without a slash at the end. For a server in your own network, "
            "an administrator has to allow that network: RELAY_ALLOWED_NETWORKS.",
        ),
        Field(
            "token",
            "API token",
            required=True,
            secret=True,
            pattern="[0-9a-f]{40}",
            help="In Paperless-ngx, in the menu of your user name, under My Profile.",
        ),
    ),
    actions=(
        Action(
            key="upload_document",
            label="Upload a document",
            help="Paperless-ngx reads the document afterwards. It refuses one that it has already, without an answer "
            "to Relay: see its list of file tasks.",
            inputs=(
                Field(
                    "document",
                    "Document",
                    kind="file",
                    required=True,
                    max_items=1,
                    help="A file of the event, or of an earlier step.",
                ),
                Field("title", "Title", max_length=128, example="Delivery note 1001"),
                Field("created", "Date of the document", kind="date", example="2026-01-31"),
                Field(
                    "correspondent",
                    "Correspondent",
                    source="correspondents",
                    pattern="[0-9]{1,18}",
                    example="3",
                    help="Its id.",
                ),
                Field(
                    "document_type",
                    "Document type",
                    source="document_types",
                    pattern="[0-9]{1,18}",
                    example="2",
                    help="Its id.",
                ),
                Field("tags", "Tags", kind="list", source="tags", example=[4, 7], help="Their ids."),
                Field(
                    "archive_serial_number",
                    "Archive serial number",
                    kind="integer",
                    minimum=0,
                    example=1001,
                    help="The number of the paper in your folder.",
                ),
            ),
            url="/documents/post_document/",
            body={
                "multipart": {
                    "title": "{{ inputs.title }}",
                    "created": "{{ inputs.created }}",
                    "correspondent": "{{ inputs.correspondent }}",
                    "document_type": "{{ inputs.document_type }}",
                    "tags": "{{ inputs.tags }}",
                    "archive_serial_number": "{{ inputs.archive_serial_number }}",
                    "document": "{{ inputs.document }}",
                }
            },
            outputs=(
                Output("task_id", "Task", value="{{ body | string }}", example="c4bd1a4a-0b8b-4a21-8b5e-0a1f3d5e7c90"),
            ),
            repeatable=False,
            docs=DOCS + "#file-uploads",
        ),
    ),
)
