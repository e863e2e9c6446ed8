"""A double of the service Acme, and a connection to it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from pytest_httpserver import HTTPServer

from relay.models import Connection, Workspace
from tests.support import service_double
from tests.support.service_double import ServiceDouble


@pytest.fixture
def service(httpserver: HTTPServer, settings: Any) -> Iterator[ServiceDouble]:
    origins = ("https://api.acme.example", service_double.TRELLO_ORIGIN, "https://api.hubapi.com")
    with service_double.in_place_of(httpserver, settings, *origins) as double:
        yield double


@pytest.fixture
def connection(workspace: Workspace) -> Connection:
    return service_double.connect(workspace)
