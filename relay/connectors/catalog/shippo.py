"""Shippo: shipping labels and tracking, and events by webhook."""

from relay.connectors.catalog._shippo_labels import LABELS
from relay.connectors.definition import (
    Call,
    ConnectionTest,
    Connector,
    Field,
    HeaderAuth,
    OptionSource,
    Paging,
    Preset,
    Reply,
)
from relay.signatures.generic import shared

SHIPPO = Connector(
    key="shippo",
    label="Shippo",
    docs="https://docs.goshippo.com/tracking/webhook-security",
    help="Buys and refunds shipping labels, and tracks parcels.",
    categories=("shipping",),
    hosts=("api.goshippo.com",),
    base_url="https://api.goshippo.com",
    headers={"SHIPPO-API-VERSION": "2018-02-08"},
    auth=HeaderAuth("Authorization", "ShippoToken {{ connection.token }}"),
    reply=Reply(error="detail", refused=(401,)),
    test=ConnectionTest(
        Call("accounts", "Carrier accounts", url="/carrier_accounts", query={"results": 1}),
        identity="{{ body.results | map(attribute='object_owner') | first | default('') }}",
    ),
    sources=(
        OptionSource(
            "carrier_accounts",
            Call("accounts", "Carrier accounts", url="/carrier_accounts", query={"results": 100}),
            rows="results",
            value="{{ row.object_id }}",
            label="{{ row.carrier }} {{ row.account_id | default('', true) }}",
            paging=Paging(link="next"),
        ),
    ),
    connection=(
        Field(
            "token",
            "API token",
            required=True,
            secret=True,
            pattern=r"shippo_(?:test|live)_[0-9A-Za-z]{16,100}",
            help="A token that begins with shippo_test_ buys test labels, one with shippo_live_ real ones.",
        ),
    ),
    actions=LABELS,
    presets=(
        Preset(
            key="shippo",
            label="Shippo",
            body_types=("json",),
            verify=shared("query:token"),
            scheme="url_token",
            secret=(
                Field(
                    "secret",
                    "Token in the URL",
                    required=True,
                    secret=True,
                    help="Chosen by you: give Shippo the URL with ?token= and this at its end.",
                ),
            ),
            dedupe="{{ event.body.data.object_id }} {{ event.body.data.tracking_status.status }}",
            event="{{ event.body.event }}",
            example="track_updated",
            caution="Nothing is signed: anyone who knows the URL and the token in it can send any event.",
        ),
    ),
)
