"""`relay storage`."""

from __future__ import annotations

from tests.commands.conftest import Shell


def test_storage_is_printed(shell: Shell) -> None:
    used, table = shell.json("storage", "--json"), shell("storage")

    assert (used["events"], used["runs"], used["attempts"], used["estimated"]) == (0, 0, 0, False)
    assert used["bytes"] > 0
    assert "attempts  0" in table
