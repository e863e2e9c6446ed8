"""A connector with fields of every kind, for tests of forms."""

from __future__ import annotations

from relay.connectors.definition import Action, Connector, Field

LINE = (
    Field("name", "Name", required=True, example="T-shirt", max_length=200),
    Field("quantity", "Quantity", kind="integer", required=True, example=2, minimum=1, maximum=99),
    Field("unit", "Unit", kind="choice", options=("pieces", "kilograms"), default="pieces"),
    Field("weight", "Weight", kind="number", required=True, example=1.5, when=("unit", ("kilograms",))),
    Field("price", "Price", kind="object", fields=(Field("amount", "Amount", kind="number", example=19.9, minimum=0),)),
)
ADDRESS = (
    Field("name", "Name", required=True, example="Ada Lovelace"),
    Field("street", "Street", example="1 Main St"),
    Field("email", "E-mail", kind="email", example="ada@example.com"),
)
SHOP = Connector(
    "shop",
    "Shop",
    help="Takes orders.",
    actions=(
        Action(
            "order",
            "Place an order",
            inputs=(
                Field(
                    "note", "Note", kind="text", max_length=16_384, example="Leave it at the door", help="Plain text."
                ),
                Field("to", "Ship to", kind="object", required=True, fields=ADDRESS, help="Who gets the parcel."),
                Field("items", "Line items", kind="rows", required=True, fields=LINE, max_items=50),
                Field("pay", "Payment", kind="choice", options=("card", "invoice"), default="card"),
                Field("due", "Due", kind="date", required=True, example="2026-01-31", when=("pay", ("invoice",))),
                Field("remind", "Reminder", kind="boolean", when=("pay", ("invoice",))),
                Field("at", "Remind at", kind="datetime", example="2026-01-31T12:00:00Z", when=("remind", (True,))),
            ),
            url="https://shop.example/orders",
            json={
                "note": "{{ inputs.note }}",
                "to": "{{ inputs.to }}",
                "items": "{{ inputs.items }}",
                "pay": "{{ inputs.pay }}",
                "due": "{{ inputs.due }}",
                "remind": "{{ inputs.remind }}",
                "at": "{{ inputs.at }}",
            },
        ),
    ),
)
