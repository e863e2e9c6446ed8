"""Every address of the API. Read with the first call: what it imports is in no process that isn't asked."""

from __future__ import annotations

from django.urls import path
from ninja import NinjaAPI

from relay.api import batches, connections, dryruns, errors, events, flows, issues, recipes, runs, samples
from relay.api.access import Bearer

# No page of documentation: Ninja's own calls another host.
api = NinjaAPI(title="Relay", version="1", auth=Bearer(), docs_url=None, urls_namespace="api")
errors.register(api)
api.add_router("/flows", flows.router)
api.add_router("/flows", samples.router)
api.add_router("/flows", dryruns.of_flow)
api.add_router("/dry-run", dryruns.of_document)
api.add_router("/runs", runs.router)
api.add_router("/issues", issues.router)
api.add_router("/alerts", issues.told)
api.add_router("/batches", batches.router)
api.add_router("/events", events.router)
api.add_router("/connections", connections.router)
api.add_router("/recipes", recipes.router)

handler400 = errors.bad_request
handler404 = errors.not_found
handler500 = errors.broken

urlpatterns = [path("api/v1/", api.urls)]
