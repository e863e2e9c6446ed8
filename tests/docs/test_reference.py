"""The pages under docs/ and README say what is so: settings, commands, options, calls of the API, files and tests."""

from __future__ import annotations

import argparse
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.management import load_command_class

from relay.cli import HELP
from relay.supervision import up

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = ("index", "search", "retention", "people", "api", "cli", "settings", "scaling", "promises", "measuring")
TEXTS = {
    **{f"docs/{name}.md": (DOCS / f"{name}.md").read_text() for name in PAGES},
    **{name: (ROOT / name).read_text() for name in ("README.md", "CONTRIBUTING.md")},
}
EVERYTHING = "\n".join(TEXTS.values())
SETTING = r"RELAY_[A-Z_]+|DATABASE_URL|REDIS_URL|SECRET_KEY"
COMMANDS = {path.stem for path in (ROOT / "relay/management/commands").glob("[a-z]*.py")}
# Of `relay up` and Django.
OTHER_COMMANDS = {"up", "version", "migrate"}
FILE = r"`?((?:relay|tests|static|\.ci)/[\w/.]+\w)"
TEST = r"`(tests/[\w/]+\.py)::(\w+)`"
LINK = r"\]\((?!https?:)([\w./-]*)(?:#([\w-]+))?\)"


def _sections(text: str) -> Iterator[tuple[set[str], str]]:
    """The commands that a heading of the page of commands names, and what stands below it."""
    for part in re.split(r"\n### relay ", text)[1:]:
        heading, _, body = part.partition("\n")
        yield set(heading.split(", ")), re.split(r"\n##? ", body)[0]


COMMAND_SECTIONS = list(_sections(TEXTS["docs/cli.md"]))


def _options(parser: argparse.ArgumentParser) -> set[str]:
    found = set()
    for action in parser._actions:
        if action.help != argparse.SUPPRESS:
            found |= {option for option in action.option_strings if option.startswith("--")}
        if isinstance(action, argparse._SubParsersAction):
            found |= {option for one in action.choices.values() for option in _options(one)}
    return found - {"--help", "--data"}


def _defines(file: str, name: str) -> bool:
    path = ROOT / file
    return path.exists() and re.search(rf"^(async )?def {name}\(", path.read_text(), re.MULTILINE) is not None


def _anchors(text: str) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\s-]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


def test_settings_are_those_of_the_code() -> None:
    code = "\n".join(path.read_text() for path in (ROOT / "relay").rglob("*.py"))

    read = set(re.findall(rf"[\"']({SETTING})[\"']", code))

    assert set(re.findall(r"^\| `(\w+)` \|", TEXTS["docs/settings.md"], re.MULTILINE)) == read


def test_commands_are_those_of_the_code() -> None:
    described = {name for names, _ in COMMAND_SECTIONS for name in names}

    assert described == COMMANDS | OTHER_COMMANDS


def test_help_lists_the_same_commands() -> None:
    assert set(re.findall(r"^  relay ([\w-]+)", HELP, re.MULTILINE)) == COMMANDS | OTHER_COMMANDS


@pytest.mark.parametrize(
    ("names", "body"), COMMAND_SECTIONS, ids=["-".join(sorted(one)) for one, _ in COMMAND_SECTIONS]
)
def test_options_are_those_of_the_code(names: set[str], body: str) -> None:
    parsers = [load_command_class("relay", name).create_parser("relay", name) for name in names & COMMANDS]

    options = {option for parser in parsers for option in _options(parser)}
    if "up" in names:
        options = _options(up.parser())

    assert set(re.findall(r"--[a-z][a-z-]*", body)) == options


def test_calls_of_the_api_are_those_of_the_code() -> None:
    from relay.api.urls import api

    calls = {
        f"{method.upper()} {re.sub(r'{[^}]*}', '*', path.removeprefix('/api/v1'))}"
        for path, methods in api.get_openapi_schema(path_prefix="/api/v1/")["paths"].items()
        for method in methods
    }

    described = re.findall(r"`((?:GET|POST|PUT|PATCH|DELETE) /[\w/-]+)`", TEXTS["docs/api.md"])

    assert {re.sub(r"\b[A-Z]+\b(?!\s)", "*", one) for one in described} - {"GET /api/v1/openapi.json"} == calls


def test_named_tests_are_there() -> None:
    named = sorted(set(re.findall(TEST, EVERYTHING)))

    assert [f"{file}::{name}" for file, name in named if not _defines(file, name)] == []


def test_every_promise_names_a_test() -> None:
    promises = re.split(r"\n(?=\*\*)", TEXTS["docs/promises.md"])[1:]

    assert [one for one in promises if not re.search(TEST, one)] == []
    assert len(promises) > 30


def test_named_files_are_there() -> None:
    assert [name for name in sorted(set(re.findall(FILE, EVERYTHING))) if not (ROOT / name).exists()] == []


def test_named_extras_are_there() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]

    named = set(re.findall(r"--extra (\w+)", EVERYTHING)) | set(re.findall(r"(?:relay|\.)\[(\w+)\]", EVERYTHING))

    assert named <= set(extras)


@pytest.mark.parametrize("target", ["lint", "types", "test-all"])
def test_ci_runs_the_commands_of_the_makefile(target: str) -> None:
    recipe = re.search(rf"^{target}:.*\n((?:\t.+\n)+)", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert recipe is not None
    commands = recipe[1].replace("\t", "").splitlines()

    assert set(commands) <= set((ROOT / ".ci/run").read_text().splitlines())


def test_named_targets_are_those_of_the_makefile() -> None:
    named = set(re.findall(r"\bmake ([a-z-]+)`", TEXTS["CONTRIBUTING.md"]))

    assert named == set(re.findall(r"^([a-z-]+):.*##", (ROOT / "Makefile").read_text(), re.MULTILINE))


# They are written by somebody else at the same time.
TO_COME: set[str] = set()


@pytest.mark.parametrize("source", TEXTS)
def test_links_lead_somewhere(source: str) -> None:
    folder = (ROOT / source).parent

    for target, anchor in re.findall(LINK, TEXTS[source]):
        path = folder / target if target else ROOT / source
        known = path.resolve().relative_to(ROOT).as_posix()
        assert path.exists() or known in TO_COME, target
        if anchor:
            assert anchor in _anchors(path.read_text()), f"{target}#{anchor}"
