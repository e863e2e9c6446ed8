"""The records of the catalogue: a connector, its actions, presets and fields. They are data; nothing here sends."""

from relay.connectors.definition.actions import Action, Call, Inquiry, Proof, Reply, Target, Wait
from relay.connectors.definition.auth import (
    TOKENS,
    Auth,
    BasicAuth,
    BearerAuth,
    HeaderAuth,
    NoAuth,
    OAuth2,
    QueryAuth,
    Scope,
)
from relay.connectors.definition.connectors import (
    ConnectionTest,
    Connector,
    OptionSource,
    Paging,
)
from relay.connectors.definition.fields import Field, FieldKind, Output, check_values
from relay.connectors.definition.presets import (
    SIGNED_FORM,
    SIGNED_OPENED_FORM,
    SIGNING_SECRET,
    Preset,
    Subscription,
    Success,
)

__all__ = [
    "SIGNED_FORM",
    "SIGNED_OPENED_FORM",
    "SIGNING_SECRET",
    "TOKENS",
    "Action",
    "Auth",
    "BasicAuth",
    "BearerAuth",
    "Call",
    "ConnectionTest",
    "Connector",
    "Field",
    "FieldKind",
    "HeaderAuth",
    "Inquiry",
    "NoAuth",
    "OAuth2",
    "OptionSource",
    "Output",
    "Paging",
    "Preset",
    "Proof",
    "QueryAuth",
    "Reply",
    "Scope",
    "Subscription",
    "Success",
    "Target",
    "Wait",
    "check_values",
]
