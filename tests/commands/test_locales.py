"""Commands print in any encoding, and print what they created before a later part fails."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from relay.engine.configuration import flow_lifecycle
from relay.errors import RelayError
from relay.models import Flow
from relay.recipes import loader
from tests.support.examples import a_few
from tests.support.running import environment

SLUG = loader.list_recipes()[0].slug
NAME = "Öl 😀 中文"
STEPS = [{"id": "a", "kind": "set", "values": {"b": "c"}}]
DOCUMENT = {
    "relay": 1,
    "name": NAME,
    "trigger": {"kind": "webhook"},
    "steps": [{"id": "a", "kind": "set", "values": {"b": "c"}}],
}
ENCODINGS = [
    {"LC_ALL": "C"},
    {"LC_ALL": "POSIX"},
    {"PYTHONIOENCODING": "ascii"},
    {"PYTHONIOENCODING": "ascii:strict"},
    {"PYTHONIOENCODING": "iso-8859-1"},
    {"PYTHONIOENCODING": "cp1252"},
    {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    {"LC_ALL": "de_DE.ISO-8859-1"},
]
LISTS = [
    ["flows"],
    ["flows", "--json"],
    ["runs"],
    ["audit"],
    ["export", "1"],
    ["filters"],
    ["filters", "--json"],
    ["recipes"],
    ["recipes", "--json"],
    ["storage"],
    ["--help"],
    ["pause", "1"],
    ["resume", "1"],
]


def relay(folder: Path, *words: str, given: bytes = b"", **more: str) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "relay", *words]
    return subprocess.run(command, env={**environment(folder), **more}, input=given, capture_output=True, timeout=60)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, prepared: Path) -> Path:
    """A data folder with an account and one flow whose name no single-byte encoding has."""
    folder = shutil.copytree(prepared, tmp_path_factory.mktemp("locales") / "data")
    assert relay(folder, "import", "-", given=json.dumps(DOCUMENT).encode()).returncode == 0
    return folder


@pytest.mark.parametrize("encoding", a_few(ENCODINGS, [ENCODINGS[-2]]), ids=lambda one: ",".join(one.values()))
def test_a_flow_is_imported_and_listed_in_any_locale(folder: Path, encoding: dict[str, str]) -> None:
    made = relay(folder, "import", "-", given=json.dumps(DOCUMENT, ensure_ascii=False).encode(), **encoding)
    listed = relay(folder, "flows", given=b"", **encoding)

    assert (made.returncode, made.stderr) == (0, b"")
    assert json.loads(made.stdout)["name"] == NAME
    assert (listed.returncode, listed.stderr) == (0, b"")
    assert b"Traceback" not in listed.stdout


@pytest.mark.parametrize("words", a_few(LISTS, [["flows", "--json"]]), ids=" ".join)
def test_every_command_writes_ascii_where_it_must(folder: Path, words: list[str]) -> None:
    done = relay(folder, *words, PYTHONIOENCODING="ascii")

    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.isascii()
    assert "--json" not in words or json.loads(done.stdout)


def test_a_table_stays_aligned(folder: Path) -> None:
    lines = relay(folder, "flows", PYTHONIOENCODING="ascii").stdout.decode().splitlines()

    made = next(line for line in lines if "\\xd6l \\U0001f600 \\u4e2d\\u6587" in line)
    assert made.index("http") == lines[0].index("URL")


@pytest.mark.parametrize(
    ("given", "encoding"), [("grüße im straßenbahn".encode(), "utf-8"), (b"gr\xfc\xdfe im zug", "iso-8859-1")]
)
def test_a_password_is_read_in_utf_8_or_the_terminals_encoding(folder: Path, given: bytes, encoding: str) -> None:
    done = relay(folder, "user", "add", f"{encoding}@example.com", given=given + b"\n", PYTHONIOENCODING=encoding)

    assert (done.returncode, done.stderr) == (0, b"")


def test_bytes_that_are_no_text_are_one_line(folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "relay", "export", b"\xff\xfe"],
        env={**environment(folder), "LC_ALL": "C.UTF-8"},
        capture_output=True,
        timeout=60,
    )

    assert done.returncode == 1
    assert done.stderr.startswith(b"relay: An argument or a value has bytes that are no text")


@pytest.mark.parametrize("words", [["import", "FILE"], ["recipes", "use", SLUG]], ids=lambda words: words[0])
def test_a_new_flow_is_printed_though_the_rest_fails(
    words: list[str],
    workspace: Any,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def full(*_: object, **__: object) -> None:
        raise RelayError("the disk is full")

    file = tmp_path / "flow.json"
    file.write_text(json.dumps(DOCUMENT))
    monkeypatch.setattr(flow_lifecycle, "publish", full)
    monkeypatch.setattr("relay.engine.configuration.recipes.find_missing", lambda *_: [])

    with pytest.raises(RelayError, match="disk is full"):
        call_command(*[str(file) if word == "FILE" else word for word in words], "--publish")

    flow = Flow.objects.get()
    said = json.loads(capsys.readouterr().out)
    assert (said["flow"], said["url"], said["live"]) == (flow.pk, flow.trigger.url, False)
