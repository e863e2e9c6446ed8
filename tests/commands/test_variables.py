"""`relay variable`."""

from __future__ import annotations

import pytest

from relay.errors import RelayError
from relay.models import Workspace
from tests.commands.conftest import Shell


def test_variables_are_set_listed_and_removed(shell: Shell, workspace: Workspace) -> None:
    assert shell("variable", "set", "shop", given="Acme & Sons\n") == "shop is set.\n"
    assert shell("variable", "set", "key", "--secret", given="s3cr3t") == "key is set, sealed.\n"

    listed = shell("variable", "list")

    assert "s3cr3t" not in listed
    assert shell.json("variable", "list", "--json") == [
        {"name": "key", "secret": True, "value": None},
        {"name": "shop", "secret": False, "value": "Acme & Sons"},
    ]
    assert shell("variable", "remove", "shop") == "shop is removed.\n"
    assert [one.name for one in workspace.variables.all()] == ["key"]


@pytest.mark.parametrize("words", [("remove", "gone"), ("set", "a b"), ("set", "k", "--secret")])
def test_what_can_not_be_done_is_said(shell: Shell, workspace: Workspace, words: tuple[str, ...]) -> None:
    with pytest.raises(RelayError):
        shell("variable", *words)
