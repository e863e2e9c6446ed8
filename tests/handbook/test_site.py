"""Tests that the documentation builds as a site that loads nothing from other hosts."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.exhaustive  # it takes long

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    shutil.copytree(ROOT / "docs", folder / "docs")
    shutil.copy(ROOT / "mkdocs.yml", folder)
    # Another page, so that there is one whatever has been written.
    (folder / "docs" / "extra.md").write_text("# Extra\n\n```json\n{}\n```\n")
    command = [sys.executable, "-m", "zensical", "build", "--strict"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / "site"


def test_every_page_is_built(site: Path) -> None:
    pages = {path.stem for path in (ROOT / "docs").glob("*.md")} - {"index"}

    assert {name for name in pages | {"extra"} if not (site / name / "index.html").exists()} == set()
    assert '"extra/' in (site / "search.json").read_text()


def test_nothing_is_loaded_from_elsewhere(site: Path) -> None:
    loaded = re.compile(r'<(?:script|img|iframe|source)[^>]* src="?(?:https?:)?//|<link[^>]* href="?(?:https?:)?//')
    styled = re.compile(r"(?:url\(|@import )[\"']?(?:https?:)?//")
    pages = {path.name: loaded.findall(path.read_text()) for path in site.rglob("*.html")}
    styles = {path.name: styled.findall(path.read_text()) for path in site.rglob("*.css")}

    assert pages
    assert styles
    assert not any(pages.values())
    assert not any(styles.values())
