"""What is installed is found by its name: the version that pages, commands and requests name."""

from __future__ import annotations

import tomllib
from pathlib import Path

from relay import distribution
from relay.outbound.messages import AGENT

PROJECT = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]


def test_the_installed_distribution_is_this_one() -> None:
    installed = (distribution.NAME, distribution.version())

    assert installed == (PROJECT["name"], PROJECT["version"])


def test_requests_name_the_version() -> None:
    assert f"Relay/{PROJECT['version']}" == AGENT


def test_extras_and_texts_name_the_distribution() -> None:
    """`relay[postgres]` would install another project."""
    root = Path(__file__).parents[2]
    texts = [root / "pyproject.toml", *root.glob("*.md"), *root.glob("docs/*.md")]

    assert [path.name for path in texts if "relay[" in path.read_text()] == []
