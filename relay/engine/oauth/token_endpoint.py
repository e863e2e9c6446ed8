"""Sends requests to the token endpoints of services, through the guarded way out, and reads the answers."""

from __future__ import annotations

from msgspec.structs import replace

from relay import masking
from relay.connectors import oauth_requests
from relay.connectors.definition import Connector
from relay.connectors.oauth_requests import TokenAnswer
from relay.engine.http_client import sender
from relay.errors import DeliveryError, TokenDelayed
from relay.models import Connection
from relay.outbound import Answer, Request


def ask(connector: Connector, connection: Connection, request: Request, secrets: tuple[str, ...]) -> TokenAnswer:
    """The tokens that the endpoint gives. Raises TokenRefused or TokenDelayed, without any of `secrets`."""
    return oauth_requests.read_answer(connector, send(connector, connection, request, secrets), secrets)


def send(connector: Connector, connection: Connection, request: Request, secrets: tuple[str, ...]) -> Answer:
    """The answer of an endpoint. Raises TokenDelayed if there is none."""
    try:
        return sender().send(replace(request, owner=connection.workspace_id))
    except DeliveryError as error:
        raise TokenDelayed(f"{connector.label} gave no token: {masking.mask(str(error), secrets)}") from None
