"""Defines every URL of the API. Imported with the first call, so that other processes never load the API."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.urls import path
from ninja import NinjaAPI
from ninja.renderers import JSONRenderer
from ninja.responses import NinjaJSONEncoder

from relay.api import (
    batches,
    choices,
    connections,
    dryruns,
    errors,
    events,
    files,
    flows,
    issues,
    recipes,
    runs,
    samples,
    subscriptions,
)
from relay.api.access import Bearer
from relay.bodies import numerals


class Renderer(JSONRenderer):
    """Renders JSON whose numbers keep the digits that their sender wrote."""

    def render(self, request: HttpRequest, data: Any, *, response_status: int) -> str:
        return numerals.dumps(data, cls=NinjaJSONEncoder)


# No documentation page: Ninja's loads scripts from another host.
api = NinjaAPI(title="Relay", version="1", auth=Bearer(), docs_url=None, urls_namespace="api", renderer=Renderer())
errors.register(api)
api.add_router("/flows", flows.router)
api.add_router("/flows", samples.router)
api.add_router("/flows", subscriptions.router)
api.add_router("/flows", dryruns.of_flow)
api.add_router("/dry-run", dryruns.of_document)
api.add_router("/runs", runs.router)
api.add_router("/issues", issues.router)
api.add_router("/alerts", issues.alerts_router)
api.add_router("/batches", batches.router)
api.add_router("/events", events.router)
api.add_router("/files", files.router)
api.add_router("/connections", connections.router)
api.add_router("/connections", choices.router)
api.add_router("/recipes", recipes.router)

handler400 = errors.bad_request
handler404 = errors.not_found
handler500 = errors.server_error

urlpatterns = [path("api/v1/", api.urls)]
