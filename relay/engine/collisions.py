"""Collisions: two processes made the same id, which is rare and costs nothing but a second try."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import structlog
from django.db import IntegrityError

from relay import ids

log = structlog.get_logger()
Result = TypeVar("Result")


def with_other_ids(store: Callable[[], Result]) -> Result:
    """Do what makes ids and stores rows by them, all or nothing; once more if some of the ids are taken."""
    try:
        return store()
    except IntegrityError as error:
        log.warning("ids.taken", reason=str(error))
        ids.move()
        return store()
