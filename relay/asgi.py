"""Creates the ASGI application of the web process: ingest and Django's pages."""

from __future__ import annotations

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "relay.settings")
django.setup(set_prefix=False)

from django.core.handlers.asgi import ASGIHandler  # noqa: E402

from relay.ingest.asgi_app import AsgiApp  # noqa: E402

application = AsgiApp(ASGIHandler())
