"""Leases: which of several processes does a task that only one may do."""

from __future__ import annotations

import time

from django.db import models

# Microseconds by which the clocks of two hosts may differ.
_MAX_SKEW = 60_000_000


class Lease(models.Model):
    """The holder of a name, until a time (microseconds since 1970)."""

    name = models.CharField(max_length=40, primary_key=True)
    holder = models.CharField(max_length=200)
    until = models.BigIntegerField()

    def __str__(self) -> str:
        return f"{self.name}: {self.holder}"

    @classmethod
    def take(cls, name: str, holder: str, seconds: float) -> bool:
        """Take or keep the lease for `seconds`; False while another holds it."""
        now = time.time_ns() // 1000
        until = now + int(seconds * 1e6)
        # A lease that ends later than any new one was taken before the clock was set back.
        free = models.Q(holder=holder) | models.Q(until__lt=now) | models.Q(until__gt=until + _MAX_SKEW)
        if cls.objects.filter(free, name=name).update(holder=holder, until=until):
            return True
        _, created = cls.objects.get_or_create(name=name, defaults={"holder": holder, "until": until})
        return created

    @classmethod
    def give_back(cls, name: str, holder: str) -> None:
        cls.objects.filter(name=name, holder=holder).update(until=0)
