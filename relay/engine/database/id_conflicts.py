"""Retries a transaction if another process has generated the same id, which is rare."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import structlog
from django.db import IntegrityError

from relay import ids

log = structlog.get_logger()
Result = TypeVar("Result")


def retry_with_new_ids(store: Callable[[], Result]) -> Result:
    """Call `store`, which generates ids and inserts rows in one transaction; call it again if an id is taken."""
    try:
        return store()
    except IntegrityError as error:
        log.warning("ids.taken", reason=str(error))
        ids.pick_other_node()
        return store()
