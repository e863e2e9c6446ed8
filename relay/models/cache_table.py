"""The table of counters that processes share while Redis is down, with the columns of Django's database cache."""

from __future__ import annotations

from django.db import models


class Count(models.Model):
    """One counter, written by `relay.queues.shared_counters`."""

    cache_key = models.CharField(max_length=255, primary_key=True)
    value = models.TextField()
    expires = models.DateTimeField(db_index=True)

    class Meta:
        db_table = "relay_count"

    def __str__(self) -> str:
        return self.cache_key
