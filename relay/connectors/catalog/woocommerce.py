"""WooCommerce: orders and stock, and events by webhook."""

from relay.connectors.definition import (
    Action,
    BasicAuth,
    Call,
    ConnectionTest,
    Connector,
    Field,
    Output,
    Preset,
    Reply,
)
from relay.signatures import Handshake, Scheme, Signature, When

DOCS = "https://woocommerce.github.io/woocommerce-rest-api-docs/"
ORDER = Field("order_id", "Order", kind="integer", required=True, minimum=1, example=727, help="The id of the order.")
STATUSES = ("pending", "processing", "on-hold", "completed", "cancelled", "refunded", "failed")

WOOCOMMERCE = Connector(
    key="woocommerce",
    label="WooCommerce",
    docs="https://woocommerce.com/document/webhooks/",
    help="Changes and finds orders, and sets the stock of products.",
    categories=("shops",),
    hosts=("{{ connection.url }}",),
    base_url="{{ connection.url }}/wp-json/wc/v3",
    auth=BasicAuth("{{ connection.consumer_key }}", "{{ connection.consumer_secret }}"),
    reply=Reply(error="message", refused=(401,)),
    test=ConnectionTest(
        Call("status", "Status of the shop", url="/system_status", query={"_fields": "environment"}),
        identity="{{ (body.environment | default({})).site_url | default('') }}",
    ),
    connection=(
        Field(
            "url",
            "Address of the shop",
            kind="url",
            required=True,
            pattern=r"https://[A-Za-z0-9.-]{1,253}(?::[0-9]{1,5})?(?:/[A-Za-z0-9._~-]{1,100}){0,5}",
            example="https://shop.example.com",
            help="Such as https://shop.example.com, without a slash at the end.",
        ),
        Field(
            "consumer_key",
            "Consumer key",
            required=True,
            secret=True,
            pattern=r"ck_[0-9a-f]{40}",
            help="In WooCommerce, under Settings, Advanced, REST API. It needs the permission Read/Write.",
        ),
        Field("consumer_secret", "Consumer secret", required=True, secret=True, pattern=r"cs_[0-9a-f]{40}"),
    ),
    actions=(
        Action(
            key="set_order_status",
            label="Set the status of an order",
            help="WooCommerce sends the mails for the new status.",
            inputs=(
                ORDER,
                Field("order_status", "Status", kind="choice", required=True, options=STATUSES, example="completed"),
            ),
            method="PUT",
            url="/orders/{{ inputs.order_id | urlencode }}",
            json={"status": "{{ inputs.order_status }}"},
            outputs=(
                Output("id", "Order id", "id", example=727),
                Output("number", "Order number", "number", example="727"),
                Output("order_status", "Status", "status", example="completed"),
            ),
            docs=f"{DOCS}#update-an-order",
        ),
        Action(
            key="set_order_field",
            label="Set a field of an order",
            help="A custom field. Replaces the field of this name, or adds it. WooCommerce sends the order's webhooks.",
            inputs=(
                ORDER,
                Field(
                    "name",
                    "Name",
                    required=True,
                    max_length=255,
                    example="warehouse",
                    help="A name that begins with _ is hidden in WooCommerce's pages.",
                ),
                Field("value", "Value", kind="text", required=True, max_length=10_000, example="Berlin"),
            ),
            method="PUT",
            url="/orders/{{ inputs.order_id | urlencode }}",
            json={"meta_data": [{"key": "{{ inputs.name }}", "value": "{{ inputs.value | string }}"}]},
            outputs=(Output("id", "Order id", "id", example=727), Output("number", "Order number", "number", "727")),
            docs=f"{DOCS}#order-meta-data-properties",
        ),
        Action(
            key="add_order_note",
            label="Add a note to an order",
            inputs=(
                ORDER,
                Field(
                    "note", "Note", kind="text", required=True, max_length=10_000, example="Sent with 3SYZXG132912330"
                ),
                Field(
                    "customer_note", "For the customer", kind="boolean", default=False, help="The customer gets a mail."
                ),
            ),
            url="/orders/{{ inputs.order_id | urlencode }}/notes",
            json={"note": "{{ inputs.note }}", "customer_note": "{{ inputs.customer_note }}"},
            outputs=(Output("id", "Note id", "id", example=281),),
            repeatable=False,
            docs=f"{DOCS}#create-an-order-note",
        ),
        Action(
            key="set_stock",
            label="Set the stock of a product",
            help="WooCommerce then manages the stock of the product.",
            inputs=(
                Field(
                    "product_id",
                    "Product",
                    kind="integer",
                    required=True,
                    minimum=1,
                    example=794,
                    help="The id of the product.",
                ),
                Field(
                    "variation_id",
                    "Variation",
                    kind="integer",
                    minimum=1,
                    example=732,
                    help="The id of the variation, if the product has variations.",
                ),
                Field("quantity", "Quantity", kind="integer", required=True, example=12),
            ),
            method="PUT",
            url="/products/{{ inputs.product_id | urlencode }}"
            "{% if inputs.variation_id is defined %}/variations/{{ inputs.variation_id | urlencode }}{% endif %}",
            json={"manage_stock": True, "stock_quantity": "{{ inputs.quantity }}"},
            outputs=(
                Output("id", "Product id", "id", example=794),
                Output("quantity", "Quantity", "stock_quantity", example=12),
                Output("stock_status", "Status", "stock_status", example="instock"),
            ),
            docs=f"{DOCS}#update-a-product",
        ),
        Action(
            key="find_order",
            label="Find an order",
            help="Returns the newest match. If there is none, the outputs are missing.",
            inputs=(
                Field(
                    "search",
                    "Search",
                    required=True,
                    max_length=200,
                    example="ada@example.com",
                    help="A word that is in the order.",
                ),
                Field("order_status", "Status", kind="choice", options=("any", *STATUSES), default="any"),
            ),
            method="GET",
            url="/orders",
            query={
                "search": "{{ inputs.search }}",
                "status": "{{ inputs.order_status }}",
                "orderby": "date",
                "order": "desc",
                "per_page": 1,
            },
            outputs=(
                Output("id", "Order id", "0.id", example=727),
                Output("number", "Order number", "0.number", example="727"),
                Output("order_status", "Status", "0.status", example="processing"),
                Output("total", "Total", "0.total", example="29.35"),
            ),
            docs=f"{DOCS}#list-all-orders",
        ),
    ),
    presets=(
        Preset(
            key="woocommerce",
            label="WooCommerce",
            body_types=("json", "form"),
            verify=Scheme(kind="hmac", signature=Signature("header:x-wc-webhook-signature", "base64")),
            secret=(
                Field(
                    "secret", "Secret", required=True, secret=True, help="The secret of the webhook, in its settings."
                ),
            ),
            handshakes=(Handshake(key="woocommerce_ping", when=When(method="POST", present=("form:webhook_id",))),),
            event="{{ event.headers['x-wc-webhook-topic'] }}",
            example="order.created",
            caution="Only the body is signed, and each try has a new delivery id: repeated deliveries are not "
            "recognized, and a recorded request can be sent again.",
        ),
    ),
)
