"""The base class of commands that create a flow and then do more with it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from relay.management.command import RelayCommand
from relay.models import Flow


class FlowCreationCommand(RelayCommand):
    """Prints the id and URL of the new flow, even if a later part of the command fails."""

    @contextmanager
    def printing(self, flow: Flow) -> Iterator[dict[str, Any]]:
        """Run the block, then print the flow as JSON, with the entries that the block adds to the yielded object.

        The flow is printed even if the block fails: running the command again would create a second flow.
        """
        more: dict[str, Any] = {}
        record = {"flow": flow.pk, "name": flow.name, "url": flow.trigger.url}
        try:
            yield more
        finally:
            self.say_json({**record, "live": flow.live_version_id is not None, **more})
            self.stdout.flush()
