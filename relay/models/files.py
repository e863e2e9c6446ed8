"""Models of files that are stored beside events and runs."""

from __future__ import annotations

import secrets

from django.db import models

from relay import ids
from relay.models.accounts import Workspace
from relay.models.events_and_runs import WITHOUT_CONSTRAINT


class StoredFile(models.Model):
    """A file that arrived with an event, or that an action of a run fetched.

    With neither event nor run, its event is not stored yet, or never was; upkeep removes it after an hour.
    """

    id = models.BigIntegerField(primary_key=True, default=ids.new)
    workspace = models.ForeignKey(Workspace, related_name="files", db_index=False, **WITHOUT_CONSTRAINT)
    event_id = models.BigIntegerField(null=True)
    run_id = models.BigIntegerField(null=True)
    name = models.CharField(max_length=255)
    type = models.CharField(max_length=127)
    size = models.BigIntegerField(default=0, help_text="bytes")
    area = models.CharField(
        max_length=20, default="", db_default="", help_text="of the object store; empty: the bytes are in FileChunk"
    )
    removed_at = models.BigIntegerField(null=True, help_text="microseconds; its objects are still to be removed")

    class Meta:
        indexes = (
            models.Index(fields=["event_id"], condition=models.Q(event_id__isnull=False), name="file_event"),
            models.Index(fields=["run_id"], condition=models.Q(run_id__isnull=False), name="file_run"),
            models.Index(fields=["removed_at"], condition=models.Q(removed_at__isnull=False), name="file_removed"),
        )

    def __str__(self) -> str:
        return self.name


class FileChunk(models.Model):
    """A part of a file's bytes. All but the last have the same size."""

    file_id = models.BigIntegerField()
    number = models.IntegerField(help_text="from 0")
    data = models.BinaryField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=["file_id", "number"], name="chunk_once"),)

    def __str__(self) -> str:
        return f"{self.file_id} {self.number}"


class FileArea(models.Model):
    """The part of an object store that belongs to this database. It has one row."""

    name = models.CharField(max_length=20, unique=True)

    def __str__(self) -> str:
        return self.name

    @classmethod
    def current(cls) -> str:
        """The name of the area, which is made when it is first needed."""
        row, _ = cls.objects.get_or_create(pk=1, defaults={"name": secrets.token_hex(8)})
        return row.name
