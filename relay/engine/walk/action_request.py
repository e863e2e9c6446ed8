"""Builds the request of an action, together with what may be stored and shown of it and of its errors."""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Mapping
from typing import Any

import msgspec
from django.conf import settings
from msgspec.structs import replace

from relay import redaction
from relay.connectors import masked_request, request_builder
from relay.connectors.definition import Action, Connector
from relay.connectors.multipart_body import OpensFile
from relay.connectors.request_builder import RelayHeaders
from relay.engine.walk.action_inputs import Inputs
from relay.errors import (
    ConnectFailed,
    ConnectionLost,
    DeadlinePassed,
    DeliveryError,
    FileGone,
    RelayError,
    RequestRefused,
    SenderBusy,
    TemplateError,
    ValueRefused,
)
from relay.masking import MASK
from relay.outbound import Request, origin_of

_HIDDEN = "A secret went into its address or its headers, so no more is shown"
_SAID: tuple[tuple[type[DeliveryError], str], ...] = (
    (ConnectFailed, f"The connection could not be made. {_HIDDEN}"),
    (DeadlinePassed, f"No whole answer came in time. {_HIDDEN}"),
    (ConnectionLost, f"The connection broke before the whole answer had come. {_HIDDEN}"),
    (RequestRefused, f"The request can't be sent: its address or a header is not allowed. {_HIDDEN}"),
)
NO_NAMES = Inputs(request_builder.NO_NAMES, request_builder.NO_NAMES)


def call_names(calls: Mapping[str, Any]) -> Inputs:
    """The names by which templates see the answers of the calls before a request; their secrets are masked already."""
    if not calls:
        return NO_NAMES
    names = {"calls": calls}
    return Inputs(names, names)


_UNMADE = (
    "The request can't be made with a value that a secret went into. Look at the secret and at the fields that use it;"
    " more is not shown, for it could tell the secret"
)


class ActionRequest(msgspec.Struct, frozen=True):
    """A request to send. `shown`: its masked outline, or the request itself if it contains no secrets."""

    request: Request
    shown: Request

    @property
    def has_secrets(self) -> bool:
        return self.shown is not self.request

    @property
    def origin(self) -> str:
        """The called origin as it may be stored.

        An origin that contains a secret is masked, with a hash that is the same for the same origin.
        """
        if self.request.mail is not None:
            return self.request.url  # the server, which no template and no secret decides
        origin = origin_of(self.request.url)
        if not self._hides_origin(origin):
            return origin
        scheme, _, rest = self.shown.url.partition("://")
        mark = hmac.new(settings.SECRET_KEY.encode(), origin.encode(), hashlib.sha256).hexdigest()[:16]
        host = rest.partition("/")[0].partition("?")[0] if rest else MASK
        return f"{scheme if rest else 'https'}://{host[:200]}#{mark}"

    def _hides_origin(self, origin: str) -> bool:
        if not self.has_secrets or origin in self.shown.only:
            return False
        try:
            return origin_of(self.shown.url) != origin
        except RequestRefused:
            return True

    def record(self, echoed: tuple[str, ...] = ()) -> str:
        """The request as JSON that may be stored. `echoed`: secrets that services have repeated in answers."""
        record = redaction.request_record(self.shown, echoed)
        return msgspec.json.encode(record).decode()

    def said(self, error: DeliveryError) -> str:
        """The text of a sending error as it may be shown."""
        if not self.has_secrets or self.request.mail is not None or isinstance(error, ValueRefused):
            return str(error)
        if (
            not self._hides_origin(origin_of(self.request.url))
            and self.request.headers.keys() == self.shown.headers.keys()
        ):
            return str(error)
        return next((text for kind, text in _SAID if isinstance(error, kind)), _HIDDEN)


def make(
    connector: Connector,
    action: Action,
    inputs: Inputs,
    connection: Mapping[str, Any] | None,
    *,
    key: str,
    onward: RelayHeaders,
    names: Inputs = NO_NAMES,
    opens: OpensFile | None = None,
) -> ActionRequest:
    """Build the request of an action. `names`: more names that its templates see, sent and shown.

    `opens`: gives the bytes of its files. Raises RelayError; its text contains no secrets.
    """
    if connection is None and not inputs.has_secrets and not names.has_secrets:
        request = request_builder.build(
            connector, action, inputs.sent, None, key=key, onward=onward, names=names.sent, opens=opens
        )
        return ActionRequest(request, request)
    now = time.time()
    public = masked_request.shown_connection(connector, connection)
    try:
        request = request_builder.build(
            connector, action, inputs.sent, connection, key=key, onward=onward, now=now, names=names.sent, opens=opens
        )
    except (ValueRefused, FileGone, SenderBusy):
        raise
    except RelayError:
        masked_request.outline(
            connector, action, inputs.shown, public, key=key, onward=onward, is_sent=True, names=names.shown
        )
        raise RelayError(_UNMADE) from None
    try:
        shown = masked_request.outline(
            connector, action, inputs.shown, public, key=key, onward=onward, now=now, is_sent=True, names=names.shown
        )
    except (RequestRefused, TemplateError):
        shown = masked_request.NOTHING
    return ActionRequest(request, replace(shown, replayable=request.replayable))


def message(action: Action, inputs: Inputs) -> request_builder.InboxRequest:
    """The message of `inbox.post`, masked as it is posted. Raises RelayError as `make` does."""
    if not inputs.has_secrets:
        return request_builder.inbox_message(action, inputs.sent)
    try:
        request_builder.inbox_message(action, inputs.sent)
    except ValueRefused:
        raise
    except RelayError:
        raise RelayError(_UNMADE) from None
    return request_builder.message_of(masked_request.masked_inputs(action, inputs.shown))
