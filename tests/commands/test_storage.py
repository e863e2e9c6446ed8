"""`relay storage`."""

from __future__ import annotations

from typing import Any

import pytest

from relay import files_url
from relay.errors import FileStoreDown
from tests.commands.conftest import Shell
from tests.support import object_store


def test_storage_is_printed(shell: Shell) -> None:
    used, table = shell.json("storage", "--json"), shell("storage")

    assert (used["events"], used["runs"], used["attempts"], used["estimated"]) == (0, 0, 0, False)
    assert used["bytes"] > 0
    assert used["object_bytes"] == 0
    assert ["attempts", "0"] in [line.split() for line in table.splitlines()]


def test_the_object_store_is_checked(shell: Shell, settings: Any) -> None:
    without = shell("storage", "--check")
    with object_store.running() as store:
        settings.FILES_STORE = files_url.settings_of(store.url())
        works = shell("storage", "--check")
        store.is_down = True
        with pytest.raises(FileStoreDown):
            shell("storage", "--check")

    assert "kept in the database" in without
    assert "the check succeeded" in works
    assert object_store.SECRET not in works
    assert store.objects == {}
