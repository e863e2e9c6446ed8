"""The code, its documentation and its pages use plain, present-day English."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
FILES = sorted(
    path
    for folder, pattern in (("relay", "*.py"), ("docs", "*.md"), ("templates", "*.html"), ("static", "*.js"))
    for path in (ROOT / folder).rglob(pattern)
)
FILES += [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md")]
# Archaic or roundabout; each has a plain word. `shall`, `mend` and the like say less than `must` and `fix`.
BANNED = re.compile(
    r"\b(mend(?:s|ed|ing)?|anew|whoever|so many|so long|for ever|(?:is|are|was|were) told|go(?:es)? on|went on"
    r"|what came|that came|of then|gone through|let out|at hand|is through|none the|shall|thereby|wherein)\b",
    re.IGNORECASE,
)


def test_no_banned_words() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in FILES
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if BANNED.search(line)
    ]

    assert found == []
