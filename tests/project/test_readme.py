"""README is short and its picture small; pyproject.toml names every dependency's version. Pages: test_docs_b.py."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text().splitlines()) <= 150


def test_screenshot_is_small() -> None:
    assert (ROOT / "static/readme.png").stat().st_size < 200_000


def test_every_dependency_has_an_exact_version() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    groups = [project["project"]["dependencies"], *project["project"]["optional-dependencies"].values()]
    pins = {pin.split("==")[0] for pin in project["tool"]["uv"]["constraint-dependencies"]}

    names = {re.split(r"[^\w-]", one, maxsplit=1)[0] for group in groups for one in group}

    assert names - {project["project"]["name"]} <= pins
