"""Plain HTTP: a request to any URL."""

from relay.connectors.definition import Action, Call, ConnectionTest, Connector, Field
from relay.connectors.signing import SCHEMES

METHODS = ("POST", "GET", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")

HTTP = Connector(
    key="http",
    label="HTTP",
    help="Any service that accepts requests.",
    # The secret signs requests and is never sent, so any host is allowed.
    connection=(
        Field(
            "signing_secret",
            "Secret for signing",
            secret=True,
            help="Only for services that check signatures: base64, with or without whsec_.",
        ),
        Field(
            "test_url",
            "URL for the test",
            kind="url",
            max_length=2_000,
            pattern=r"https?://[!-~]{1,1990}",
            example="https://example.com/health",
            help="A test sends a GET request to it, without a signature, and shows the answer. Not secret.",
        ),
    ),
    test=ConnectionTest(
        Call("test", "Send a request", url="{{ connection.test_url }}"),
        says="{{ connection.test_url }} answered {{ status }}",
        needs="test_url",
    ),
    actions=(
        Action(
            key="request",
            label="Send a request",
            help="Calls any URL. A 2xx answer is a success.",
            inputs=(
                Field("method", "Method", kind="choice", options=METHODS, default="POST"),
                Field(
                    "url",
                    "URL",
                    kind="url",
                    required=True,
                    example="https://example.com/orders",
                    help="Where to send it; parts of it may come from the event.",
                    max_length=8192,
                ),
                Field(
                    "headers",
                    "Headers",
                    kind="json",
                    help="A name and a value each, sent as UTF-8; | rfc2047 writes a value in ASCII.",
                    example={"X-Shop": "1"},
                ),
                Field("query", "Query", kind="json", help="Added to the URL, encoded.", example={"page": "1"}),
                Field(
                    "body",
                    "Body",
                    kind="json",
                    help='{"json": ...}, {"form": {...}} or {"text": "...", "type": "text/plain"}.',
                    example={"json": {"id": "{{ event.body.id }}"}},
                ),
                Field(
                    "sign",
                    "Signature",
                    kind="choice",
                    options=SCHEMES,
                    help="Signs the body with the secret of the connection, so that the receiver can check it.",
                ),
            ),
            sign="{{ inputs.sign }}",
            signing_secret="{{ connection.signing_secret }}",  # noqa: S106 - a template
            method="{{ inputs.method | default('POST', true) | upper }}",
            url="{{ inputs.url }}",
            headers="{{ inputs.headers }}",
            query="{{ inputs.query }}",
            body="{{ inputs.body }}",
        ),
    ),
)
