"""Tests going back from the migration of the object store."""

from __future__ import annotations

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from relay.models import StoredFile


@pytest.mark.django_db(transaction=True)
def test_going_back_is_refused_while_files_are_in_the_object_store() -> None:
    file = StoredFile.objects.create(workspace_id=1, run_id=1, name="a", type="b", size=1, area="main")

    with pytest.raises(RuntimeError, match="Files are in the object store"):
        MigrationExecutor(connection).migrate([("relay", "0023_running_batches")])

    file.refresh_from_db()
    assert file.area == "main"
