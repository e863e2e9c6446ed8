"""Rules of all tests: every process of xdist collects the same ones, and none waits for nothing."""

from __future__ import annotations

import re
from pathlib import Path

FILES = sorted(set(Path(__file__).parents[1].rglob("*.py")) - {Path(__file__)})


def lines(pattern: str) -> list[str]:
    """The lines of the tests that match."""
    return [
        f"{file.name}: {line.strip()}"
        for file in FILES
        for line in file.read_text().splitlines()
        if re.search(pattern, line)
    ]


def test_packed_parameters_hold_no_time() -> None:
    """No parameter depends on the time at which it was collected."""
    assert [line for line in lines(r"gzip\.compress\(") if "mtime=0" not in line] == []


def test_a_server_of_a_test_ends_at_once() -> None:
    """`serve_forever` looks every half second whether it should end, unless it is given how often."""
    found = lines(r"serve_forever")

    assert found
    assert [line for line in found if not re.search(r"serve_forever, args=\(0\.01,\)|await ", line)] == []
