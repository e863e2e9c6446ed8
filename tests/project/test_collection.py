"""Every process of xdist must collect the same tests: no parameter depends on the time."""

from __future__ import annotations

import re
from pathlib import Path

FILES = sorted(set(Path(__file__).parent.rglob("test_*.py")) - {Path(__file__)})


def test_packed_parameters_hold_no_time() -> None:
    calls = [f"{file.name}: {call}" for file in FILES for call in re.findall(r"gzip\.compress\(.*", file.read_text())]

    assert [call for call in calls if "mtime=0" not in call] == []
