"""The actions of Shopify, which are queries and mutations of its GraphQL Admin API."""

from relay.connectors.definition import Action, Call, Field, Output, Reply

DOCS = "https://shopify.dev/docs/api/admin-graphql/2026-07"
ORDER = Field(
    "order_id",
    "Order",
    required=True,
    pattern=r"(?:gid://shopify/Order/)?[0-9]{1,20}",
    example="450789469",
    help="The id of the order, as in its webhooks.",
)
ORDER_ID = "gid://shopify/Order/{{ inputs.order_id | remove_prefix('gid://shopify/Order/') }}"

RECORDS = (
    Action(
        key="find_order",
        label="Find an order",
        help="Returns the newest match. If there is none, the outputs are missing.",
        inputs=(
            Field(
                "query",
                "Search",
                required=True,
                max_length=500,
                example="name:#1001",
                help="Shopify's search syntax, such as name:#1001, email:ada@example.com, id:450789469.",
            ),
        ),
        url="/graphql.json",
        json={
            "query": "query($query: String!) { orders(first: 1, query: $query, sortKey: CREATED_AT, reverse: true) {"
            " pageInfo { hasPreviousPage } nodes { id name email note tags displayFinancialStatus"
            " displayFulfillmentStatus totalPriceSet { shopMoney { amount currencyCode } } } } }",
            "variables": {"query": "{{ inputs.query }}"},
        },
        # The first page never has one before it: an answer that says so has no error.
        reply=Reply(
            says=("data.orders.pageInfo.hasPreviousPage", False),
            error="errors.0.message",
            retry=("THROTTLED",),
            refused=(401,),
        ),
        outputs=(
            Output("id", "Order id", "data.orders.nodes.0.id", example="gid://shopify/Order/450789469"),
            Output("name", "Name", "data.orders.nodes.0.name", example="#1001"),
            Output("email", "E-mail", "data.orders.nodes.0.email", example="ada@example.com"),
            Output("note", "Note", "data.orders.nodes.0.note", example="Ring twice"),
            Output("tags", "Tags", "data.orders.nodes.0.tags", example=["wholesale"]),
            Output("payment", "Payment", "data.orders.nodes.0.displayFinancialStatus", example="PAID"),
            Output("fulfillment", "Fulfillment", "data.orders.nodes.0.displayFulfillmentStatus", example="UNFULFILLED"),
            Output("total", "Total", "data.orders.nodes.0.totalPriceSet.shopMoney.amount", example="29.35"),
            Output("currency", "Currency", "data.orders.nodes.0.totalPriceSet.shopMoney.currencyCode", example="EUR"),
        ),
        docs=f"{DOCS}/queries/orders",
    ),
    Action(
        key="fulfil_order",
        label="Fulfil an order",
        help="Marks everything that is open in a fulfillment order as sent. “Find an order” returns its id.",
        inputs=(
            ORDER,
            Field("tracking_number", "Tracking number", max_length=200, example="3SYZXG132912330"),
            Field("company", "Carrier", max_length=200, example="PostNL"),
            Field("tracking_url", "Tracking page", kind="url", max_length=2000, example="https://postnl.example/3SYZ"),
            Field("notify", "Notify the customer", kind="boolean", default=True, help="Shopify sends a mail."),
        ),
        before=(
            Call(
                "open",
                "Find what is open",
                method="POST",
                url="/graphql.json",
                json={
                    "query": "query($id: ID!) { order(id: $id) {"
                    ' fulfillmentOrders(first: 50, query: "status:open") {'
                    " pageInfo { hasPreviousPage } nodes { fulfillmentOrderId: id } } } }",
                    "variables": {"id": ORDER_ID},
                },
                reply=Reply(
                    says=("data.order.fulfillmentOrders.pageInfo.hasPreviousPage", False),
                    error="errors.0.message",
                    retry=("THROTTLED",),
                    refused=(401,),
                ),
                example={
                    "data": {
                        "order": {
                            "fulfillmentOrders": {
                                "pageInfo": {"hasPreviousPage": False},
                                "nodes": [{"fulfillmentOrderId": "gid://shopify/FulfillmentOrder/1046000777"}],
                            }
                        }
                    }
                },
            ),
        ),
        url="/graphql.json",
        json={
            "query": "mutation($fulfillment: FulfillmentInput!) { fulfillmentCreate(fulfillment: $fulfillment) {"
            " fulfillment { id status } userErrors { field message } } }",
            "variables": {
                "fulfillment": {
                    "lineItemsByFulfillmentOrder": "{{ calls.open.body.data.order.fulfillmentOrders.nodes }}",
                    "trackingInfo": "{{ {'number': inputs.tracking_number | default(''), 'company': inputs.company"
                    " | default(''), 'url': inputs.tracking_url | default('')} | compact }}",
                    "notifyCustomer": "{{ inputs.notify }}",
                }
            },
        },
        reply=Reply(
            says=("data.fulfillmentCreate.userErrors", []),
            error="data.fulfillmentCreate.userErrors.0.message",
            retry=("THROTTLED",),
            refused=(401,),
        ),
        outputs=(
            Output(
                "id",
                "Fulfillment id",
                "data.fulfillmentCreate.fulfillment.id",
                example="gid://shopify/Fulfillment/255858046",
            ),
            Output("fulfillment", "Status", "data.fulfillmentCreate.fulfillment.status", example="SUCCESS"),
        ),
        repeatable=False,
        docs=f"{DOCS}/mutations/fulfillmentCreate",
    ),
    Action(
        key="add_tags",
        label="Add tags to an order",
        inputs=(ORDER, Field("tags", "Tags", kind="list", required=True, max_items=250, example=["wholesale"])),
        url="/graphql.json",
        json={
            "query": "mutation($id: ID!, $tags: [String!]!) { tagsAdd(id: $id, tags: $tags) {"
            " node { id } userErrors { field message } } }",
            "variables": {"id": ORDER_ID, "tags": "{{ inputs.tags }}"},
        },
        reply=Reply(
            says=("data.tagsAdd.userErrors", []),
            error="data.tagsAdd.userErrors.0.message",
            retry=("THROTTLED",),
            refused=(401,),
        ),
        outputs=(Output("id", "Order id", "data.tagsAdd.node.id", example="gid://shopify/Order/450789469"),),
        docs=f"{DOCS}/mutations/tagsAdd",
    ),
    Action(
        key="set_note",
        label="Set the note of an order",
        help="Replaces the note of the order.",
        inputs=(
            ORDER,
            Field("note", "Note", kind="text", required=True, max_length=5000, example="Sent with 3SYZXG132912330"),
        ),
        url="/graphql.json",
        json={
            "query": "mutation($input: OrderInput!) { orderUpdate(input: $input) {"
            " order { id note } userErrors { field message } } }",
            "variables": {"input": {"id": ORDER_ID, "note": "{{ inputs.note }}"}},
        },
        reply=Reply(
            says=("data.orderUpdate.userErrors", []),
            error="data.orderUpdate.userErrors.0.message",
            retry=("THROTTLED",),
            refused=(401,),
        ),
        outputs=(Output("id", "Order id", "data.orderUpdate.order.id", example="gid://shopify/Order/450789469"),),
        docs=f"{DOCS}/mutations/orderUpdate",
    ),
    Action(
        key="adjust_stock",
        label="Adjust the stock of a product",
        help="Adds to the available quantity, or takes from it. A request that is sent again changes nothing.",
        inputs=(
            Field(
                "inventory_item_id",
                "Inventory item",
                required=True,
                pattern=r"(?:gid://shopify/InventoryItem/)?[0-9]{1,20}",
                example="30322695",
                help="The inventory_item_id of the variant.",
            ),
            Field(
                "location_id",
                "Location",
                required=True,
                pattern=r"(?:gid://shopify/Location/)?[0-9]{1,20}",
                source="locations",
                example="gid://shopify/Location/124656943",
                help="The id of the location.",
            ),
            Field(
                "delta",
                "Change",
                kind="integer",
                required=True,
                example=-2,
                help="A negative number takes from the stock.",
            ),
            Field(
                "reason",
                "Reason",
                kind="choice",
                options=("correction", "received", "restock", "damaged", "shrinkage", "other"),
                default="correction",
            ),
        ),
        url="/graphql.json",
        json={
            # null: whatever the quantity is. The directive has Shopify recognize a repeated request.
            "query": "mutation($item: ID!, $location: ID!, $delta: Int!, $reason: String!, $key: String!) {"
            ' inventoryAdjustQuantities(input: {reason: $reason, name: "available", changes: [{delta: $delta,'
            " inventoryItemId: $item, locationId: $location, changeFromQuantity: null}]}) @idempotent(key: $key) {"
            " inventoryAdjustmentGroup { id changes { delta } } userErrors { field message } } }",
            "variables": {
                "item": "gid://shopify/InventoryItem/"
                "{{ inputs.inventory_item_id | remove_prefix('gid://shopify/InventoryItem/') }}",
                "location": "gid://shopify/Location/"
                "{{ inputs.location_id | remove_prefix('gid://shopify/Location/') }}",
                "delta": "{{ inputs.delta }}",
                "reason": "{{ inputs.reason }}",
                "key": "{{ key }}",
            },
        },
        reply=Reply(
            says=("data.inventoryAdjustQuantities.userErrors", []),
            error="data.inventoryAdjustQuantities.userErrors.0.message",
            retry=("THROTTLED",),
            refused=(401,),
        ),
        outputs=(
            Output(
                "id",
                "Adjustment id",
                "data.inventoryAdjustQuantities.inventoryAdjustmentGroup.id",
                example="gid://shopify/InventoryAdjustmentGroup/1",
            ),
        ),
        docs=f"{DOCS}/mutations/inventoryAdjustQuantities",
    ),
    Action(
        key="set_price",
        label="Set the price of a variant",
        inputs=(
            Field(
                "product_id",
                "Product",
                required=True,
                pattern=r"(?:gid://shopify/Product/)?[0-9]{1,20}",
                example="20995642",
                help="The id of the product.",
            ),
            Field(
                "variant_id",
                "Variant",
                required=True,
                pattern=r"(?:gid://shopify/ProductVariant/)?[0-9]{1,20}",
                example="30322695",
                help="The id of the variant.",
            ),
            Field(
                "price",
                "Price",
                required=True,
                pattern=r"[0-9]{1,12}(?:\.[0-9]{1,3})?",
                example="14.50",
                help="In the currency of the shop.",
            ),
            Field(
                "compare_at_price",
                "Former price",
                pattern=r"[0-9]{1,12}(?:\.[0-9]{1,3})?",
                example="19.00",
                help="Shown crossed out. If empty, it stays as it is.",
            ),
        ),
        url="/graphql.json",
        json={
            "query": "mutation($product: ID!, $variants: [ProductVariantsBulkInput!]!) {"
            " productVariantsBulkUpdate(productId: $product, variants: $variants) {"
            " productVariants { id price } userErrors { field message } } }",
            "variables": {
                "product": "gid://shopify/Product/{{ inputs.product_id | remove_prefix('gid://shopify/Product/') }}",
                "variants": "{{ [{'id': 'gid://shopify/ProductVariant/'"
                " ~ (inputs.variant_id | remove_prefix('gid://shopify/ProductVariant/')), 'price': inputs.price"
                ", 'compareAtPrice': inputs.compare_at_price | default('')} | compact] }}",
            },
        },
        reply=Reply(
            says=("data.productVariantsBulkUpdate.userErrors", []),
            error="data.productVariantsBulkUpdate.userErrors.0.message",
            retry=("THROTTLED",),
            refused=(401,),
        ),
        outputs=(
            Output(
                "id",
                "Variant id",
                "data.productVariantsBulkUpdate.productVariants.0.id",
                example="gid://shopify/ProductVariant/30322695",
            ),
            Output("price", "Price", "data.productVariantsBulkUpdate.productVariants.0.price", example="14.50"),
        ),
        docs=f"{DOCS}/mutations/productVariantsBulkUpdate",
    ),
)
