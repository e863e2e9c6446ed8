"""Log lines that can't be written are lost, and nothing else with them."""

from __future__ import annotations

import io
import sys

import pytest

from relay import logs


class Full(io.StringIO):
    """A file on a disk without room."""

    def write(self, text: str) -> int:
        raise OSError(28, "No space left on device")

    def flush(self) -> None:
        raise OSError(28, "No space left on device")


def test_a_full_disk_raises_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", Full())

    print("a line", file=logs.standard_error(), flush=True)


def test_lines_reach_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    print("a line", file=logs.standard_error(), flush=True)

    assert capsys.readouterr().err == "a line\n"
