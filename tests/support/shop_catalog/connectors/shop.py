"""A service with chains of every kind, for tests: its actions make calls before their own request."""

from relay.connectors.definition import Action, BearerAuth, Call, Connector, Field, Inquiry, Output, Reply

_EMAIL = Field("email", "E-mail", required=True, example="ada@example.com")
_ITEM = Field("item", "Item", required=True, example="tea")

SHOP = Connector(
    key="shop",
    label="Shop",
    hosts=("shop.example",),
    base_url="https://shop.example",
    auth=BearerAuth(),
    reply=Reply(error="error", refused=(401,)),
    connection=(Field("token", "Token", required=True, secret=True),),
    actions=(
        # Each way of making a call: one that may find nothing, one that is skipped, and two that must happen once.
        Action(
            key="order",
            label="Order",
            inputs=(_EMAIL, _ITEM),
            before=(
                Call("find", "Find the customer", url="/customers/{{ inputs.email | urlencode }}", absent=(404,)),
                Call(
                    "create",
                    "Create the customer",
                    method="POST",
                    url="/customers",
                    json={"email": "{{ inputs.email }}", "key": "{{ key }}"},
                    when="{{ calls.find.status == 404 }}",
                    repeatable=False,
                    inquiry=Inquiry(
                        url="/done/{{ key | urlencode }}", about=("asked", "{{ key }}"), made="done", body="done"
                    ),
                ),
                Call(
                    "reserve",
                    "Reserve the item",
                    method="POST",
                    url="/reservations",
                    json={
                        "item": "{{ inputs.item }}",
                        "customer": "{{ (calls.create | default(calls.find)).body.id }}",
                        "key": "{{ key }}",
                    },
                    repeatable=False,
                    inquiry=Inquiry(
                        url="/done/{{ key | urlencode }}", about=("asked", "{{ key }}"), made="done", body="done"
                    ),
                ),
            ),
            method="PUT",
            url="/orders/{{ calls.reserve.body.id | urlencode }}",
            json={"note": "for {{ inputs.email }}"},
            outputs=(
                Output("order", "Order", "id"),
                Output("reservation", "Reservation", "id", call="reserve"),
                Output("customer", "Customer", "id", call="find"),
            ),
        ),
        # A service without an upsert: one request creates or updates, as the first call says.
        Action(
            key="save",
            label="Create or update a customer",
            inputs=(_EMAIL,),
            before=(Call("find", "Find the customer", url="/customers/{{ inputs.email | urlencode }}", absent=(404,)),),
            method="{{ 'POST' if calls.find.status == 404 else 'PUT' }}",
            url="/customers{% if calls.find.status == 200 %}/{{ calls.find.body.id | urlencode }}{% endif %}",
            json={"email": "{{ inputs.email }}"},
            outputs=(Output("id", "Customer", "id"),),
        ),
    ),
)
