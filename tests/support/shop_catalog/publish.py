"""Publishes a flow of the shop, which helper processes don't know: reads it from standard input, prints its path."""

from __future__ import annotations

import json
import os
import sys

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "relay.settings")
django.setup()

from relay.engine.configuration import flow_lifecycle  # noqa: E402
from relay.engine.preview import render_client, render_task  # noqa: E402
from relay.models import Workspace  # noqa: E402

render_client.check = lambda source, workspace: render_task.answer({"check": source})  # type: ignore[assignment]
flow = flow_lifecycle.import_document(Workspace.objects.get(), json.load(sys.stdin), publish_it=True)
print(f"/in/{flow.trigger.token}")
