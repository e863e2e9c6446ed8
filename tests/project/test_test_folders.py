"""Tests are in the folders of what they test: a folder of tests is a room of relay, or one of those named here."""

from __future__ import annotations

from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
RELAY = TESTS.parent / "relay"
# What concerns several rooms, or none. tests/commands is about relay/management/commands.
OF_NO_ROOM = {"bench", "chaos", "commands", "docs", "e2e", "postgres", "project", "real", "support", "system"}
FOLDERS = sorted({path.parent.relative_to(TESTS) for path in TESTS.glob("*/**/test_*.py")})


@pytest.mark.parametrize("folder", FOLDERS, ids=str)
def test_a_folder_of_tests_is_a_room(folder: Path) -> None:
    assert (RELAY / folder / "__init__.py").exists() != (folder.parts[0] in OF_NO_ROOM), folder


def test_every_folder_that_is_no_room_is_there() -> None:
    assert {name for name in OF_NO_ROOM if not (TESTS / name).is_dir()} == set()
