"""The README says what is so: every setting, every command, the files that it names."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from relay.cli import HELP

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
SETTING = r"(RELAY_[A-Z_]+|DATABASE_URL|REDIS_URL|SECRET_KEY)"
COMMANDS = {path.stem for path in (ROOT / "relay/management/commands").glob("[a-z]*.py")}
# Of `relay up` and Django.
OTHER_COMMANDS = {"up", "version", "migrate"}


def table(heading: str) -> set[str]:
    """The first words in backticks of the rows of the table under a heading."""
    section = README.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    return set(re.findall(r"^\| `(?:relay )?([^` ]+)", section, re.MULTILINE))


def test_settings_are_those_of_the_code() -> None:
    code = "\n".join(path.read_text() for path in (ROOT / "relay").rglob("*.py"))

    read = set(re.findall(rf'["\']{SETTING}["\']', code))

    assert table("Settings") == read


def test_commands_are_those_of_the_code() -> None:
    assert table("Commands") == COMMANDS | OTHER_COMMANDS


def test_help_lists_the_same_commands() -> None:
    listed = set(re.findall(r"^  relay ([\w-]+)", HELP, re.MULTILINE))

    assert listed == COMMANDS | OTHER_COMMANDS


def test_options_are_those_of_the_code() -> None:
    sources = [*(ROOT / "relay/management").rglob("*.py"), ROOT / "relay/supervision/up.py"]
    code = "\n".join(path.read_text() for path in sources)

    options = set(re.findall(r"--[a-z][a-z-]*", README.split("\n## Commands\n")[1].split("\n## ")[0]))

    assert {option for option in options if f'"{option}"' not in code} == set()


@pytest.mark.parametrize("name", sorted(set(re.findall(r"(?:relay|tests|static|\.ci)/[\w/.]+\w", README))))
def test_named_files_are_there(name: str) -> None:
    assert (ROOT / name).exists()


def test_named_extras_are_there() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]

    named = set(re.findall(r"--extra (\w+)", README)) | set(re.findall(r"relay\[(\w+)\]", README))

    assert named <= set(extras)


def test_screenshot_is_small() -> None:
    assert (ROOT / "static/readme.png").stat().st_size < 200_000


def test_every_dependency_has_an_exact_version() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    groups = [project["project"]["dependencies"], *project["project"]["optional-dependencies"].values()]
    pins = {pin.split("==")[0] for pin in project["tool"]["uv"]["constraint-dependencies"]}

    names = {re.split(r"[^\w-]", one, maxsplit=1)[0] for group in groups for one in group} - {"relay"}

    assert names <= pins
