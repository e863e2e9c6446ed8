"""PayPal: refunds and invoices, and events by webhook."""

from relay.connectors.definition import (
    Action,
    Call,
    ConnectionTest,
    Connector,
    Field,
    OAuth2,
    Output,
    Preset,
    Reply,
)
from relay.signatures import Named

DOCS = "https://github.com/paypal/paypal-rest-api-specifications"
AMOUNT = r"[0-9]{1,10}(?:\.[0-9]{1,3})?"
HOST = "api-m.{{ 'sandbox.' if connection.environment | default('live') == 'sandbox' else '' }}paypal.com"
CAPTURE = Field(
    "capture_id",
    "Payment",
    required=True,
    pattern="[0-9A-Z]{10,30}",
    example="7AA11111BB222222C",
    help="The id of the capture, as in its webhooks.",
)
CURRENCY = Field("currency", "Currency", required=True, pattern="[A-Z]{3}", example="EUR", help="Three letters.")
MONEY = (
    Field("currency_code", "Currency", required=True, pattern="[A-Z]{3}", example="EUR", help="Three letters."),
    Field("value", "Amount", required=True, pattern=AMOUNT, example="14.50"),
)
INVOICE = r"INV2(?:-[0-9A-Z]{4}){4}"
ITEM = (
    Field("name", "Name", required=True, max_length=200, example="Enamel mug"),
    Field("quantity", "Quantity", required=True, pattern=r"[0-9]{1,8}(?:\.[0-9]{1,5})?", example="2"),
    Field("unit_amount", "Price of one", kind="object", required=True, fields=MONEY),
    Field("description", "Description", max_length=1000, example="Blue"),
)

PAYPAL = Connector(
    key="paypal",
    label="PayPal",
    docs="https://developer.paypal.com/api/rest/webhooks/rest/",
    help="Refunds payments, and creates and sends invoices.",
    categories=("payments",),
    hosts=(HOST,),
    base_url=f"https://{HOST}",
    auth=OAuth2(
        token_url=f"https://{HOST}/v1/oauth2/token",
        lifetime=3600,
        setup=("In PayPal's developer dashboard, create an app under Apps & Credentials, for Live or Sandbox.",),
    ),
    reply=Reply(error="message", refused=(401,)),
    test=ConnectionTest(
        Call("invoices", "Invoices", url="/v2/invoicing/invoices", query={"page": 1, "page_size": 1}),
    ),
    connection=(
        Field("client_id", "Client ID", required=True, pattern=r"[0-9A-Za-z_-]{16,200}", help="Of the app."),
        Field("client_secret", "Secret", required=True, secret=True, pattern=r"[0-9A-Za-z_-]{16,200}"),
        Field(
            "environment",
            "Environment",
            kind="choice",
            options=("live", "sandbox"),
            default="live",
            pattern="live|sandbox",
            example="live",
            help="live, or sandbox for tests.",
        ),
    ),
    actions=(
        Action(
            key="find_payment",
            label="Look a payment up",
            inputs=(CAPTURE,),
            method="GET",
            url="/v2/payments/captures/{{ inputs.capture_id | urlencode }}",
            outputs=(
                Output("payment_status", "Status", "status", example="COMPLETED"),
                Output("amount", "Amount", "amount.value", example="29.00"),
                Output("currency", "Currency", "amount.currency_code", example="EUR"),
                Output("invoice_id", "Invoice number", "invoice_id", example="1001"),
            ),
            proof="spec",
            docs=DOCS,
        ),
        Action(
            key="refund",
            label="Refund a payment",
            help="Moves money. PayPal does it once, however often it is sent.",
            inputs=(
                CAPTURE,
                # An amount that is empty must not refund everything.
                Field(
                    "extent",
                    "How much",
                    kind="choice",
                    required=True,
                    options=("part", "all"),
                    help="An amount, or all that is not refunded yet.",
                ),
                Field("amount", "Amount", required=True, pattern=AMOUNT, example="12.00", when=("extent", ("part",))),
                Field(
                    "currency",
                    "Currency",
                    required=True,
                    pattern="[A-Z]{3}",
                    example="EUR",
                    help="Three letters.",
                    when=("extent", ("part",)),
                ),
                Field("note", "Note to the payer", max_length=255, example="Returned mug"),
                Field("invoice_id", "Own number", max_length=127, example="1001-R"),
            ),
            url="/v2/payments/captures/{{ inputs.capture_id | urlencode }}/refund",
            headers={"PayPal-Request-Id": "{{ key }}", "Prefer": "return=representation"},
            json={
                # Both are missing, and so the amount is left out, if all is refunded.
                "amount": "{{ inputs.amount if inputs.extent == 'all' else"
                " {'value': inputs.amount, 'currency_code': inputs.currency} }}",
                "note_to_payer": "{{ inputs.note }}",
                "invoice_id": "{{ inputs.invoice_id }}",
            },
            outputs=(
                Output("id", "Refund id", "id", example="1JU08902781691411"),
                Output("refund_status", "Status", "status", example="COMPLETED"),
            ),
            proof="spec",
            docs=DOCS,
        ),
        Action(
            key="create_invoice",
            label="Create an invoice",
            help="A draft; send it with its own action.",
            inputs=(
                CURRENCY,
                Field("items", "Items", kind="rows", required=True, max_items=100, fields=ITEM),
                Field("email", "Customer's e-mail", kind="email", max_length=254, example="ada@example.com"),
                Field("invoice_number", "Invoice number", max_length=127, example="1001"),
                Field("reference", "Reference", max_length=120, example="Order 1001"),
                Field("note", "Note", kind="text", max_length=4000, example="Thank you for your order."),
                Field("due_date", "Due date", kind="date", example="2026-01-31"),
            ),
            url="/v2/invoicing/invoices",
            headers={"Prefer": "return=representation"},
            json={
                "detail": {
                    "currency_code": "{{ inputs.currency }}",
                    "invoice_number": "{{ inputs.invoice_number }}",
                    "reference": "{{ inputs.reference }}",
                    "note": "{{ inputs.note }}",
                    "payment_term": "{{ {'due_date': inputs.due_date} }}",
                },
                "primary_recipients": "{{ [{'billing_info': {'email_address': inputs.email}}] }}",
                "items": "{{ inputs['items'] }}",
            },
            outputs=(
                Output("id", "Invoice id", "id", example="INV2-Z56S-5LLA-Q52L-CPZ5"),
                Output("invoice_status", "Status", "status", example="DRAFT"),
            ),
            repeatable=False,
            proof="spec",
            docs=DOCS,
        ),
        Action(
            key="send_invoice",
            label="Send an invoice",
            help="Mails a draft to the customer.",
            inputs=(
                Field("invoice_id", "Invoice", required=True, pattern=INVOICE, example="INV2-Z56S-5LLA-Q52L-CPZ5"),
                Field("subject", "Subject", max_length=4000, example="Your invoice"),
                Field("note", "Note", max_length=4000, example="Thank you for your order."),
            ),
            url="/v2/invoicing/invoices/{{ inputs.invoice_id | urlencode }}/send",
            json={"subject": "{{ inputs.subject }}", "note": "{{ inputs.note }}"},
            repeatable=False,
            proof="spec",
            docs=DOCS,
        ),
    ),
    presets=(
        Preset(
            key="paypal",
            label="PayPal",
            body_types=("json",),
            verify=Named(
                verifier="certified_transmission",
                options={
                    "start": "paypal",
                    "url": r"https://(?:[a-z0-9-]{1,63}\.){1,4}paypal\.com/[A-Za-z0-9/_.~-]{1,300}",
                    "name": "paypal.com",
                },
            ),
            secret=(
                Field(
                    "webhook_id",
                    "Webhook ID",
                    required=True,
                    secret=True,
                    help="Shown at the webhook, in the developer dashboard.",
                ),
            ),
            dedupe="{{ event.body.id }}",
            event="{{ event.body.event_type }}",
            example="PAYMENT.CAPTURE.COMPLETED",
            caution="Only a CRC-32 of the body is signed: anyone who has recorded a request can make another body "
            "that fits.",
        ),
    ),
)
