"""The `relay` command in a shell: help, exit codes, and one line for each error."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.examples import a_few
from tests.support.running import environment

Done = subprocess.CompletedProcess[str]


def relay(folder: Path, *words: str, given: str = "", **settings: str) -> Done:
    return subprocess.run(
        [sys.executable, "-m", "relay", *words],
        env=environment(folder, settings),
        input=given,
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.mark.parametrize("words", a_few([[], ["--help"], ["-h"], ["help"]], [[]]))
def test_help_names_the_commands_and_makes_no_folder(words: list[str], tmp_path: Path) -> None:
    done = relay(tmp_path / "data", *words)

    assert done.returncode == 0
    assert "relay up " in done.stdout
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(
    "words",
    a_few(
        [["up", "--help"], ["filters", "slug"], ["help", "runs"], ["runs", "--help"], ["--version"]], [["help", "runs"]]
    ),
)
def test_looking_makes_no_folder(words: list[str], tmp_path: Path) -> None:
    done = relay(tmp_path / "data", *words)

    assert done.returncode == 0
    assert done.stdout
    assert not (tmp_path / "data").exists()


WRONG = {
    "bogus": 1,
    "runs --state bogus": 2,
    "runs --limit 0": 1,
    "export no-such-flow": 1,
    "up --port 99999": 2,
    "flows --data": 2,
}


@pytest.mark.parametrize("words", a_few(WRONG, ["runs --state bogus"]))
def test_what_cannot_be_is_said_without_a_traceback(words: str, prepared: Path, tmp_path: Path) -> None:
    done = relay(shutil.copytree(prepared, tmp_path / "data"), *words.split())

    assert done.returncode == WRONG[words]
    assert done.stdout == ""
    assert done.stderr
    assert "Traceback" not in done.stderr


WRONG_SETTINGS = [
    {"RELAY_MAX_BYTES": "many"},
    {"RELAY_CONNECTOR_URLS": "{"},
    {"DATABASE_URL": "nonsense://x"},
    {"RELAY_VAULT_KEYS": "short"},
    {"DATABASE_URL": "postgres://127.0.0.1:1/none"},
]


@pytest.mark.parametrize("settings", a_few(WRONG_SETTINGS, WRONG_SETTINGS[-1:]), ids=lambda one: next(iter(one)))
def test_wrong_setting_is_one_line(settings: dict[str, str], tmp_path: Path) -> None:
    done = relay(tmp_path / "data", "user", "add", "a@example.com", given="correct horse\n", **settings)

    assert done.returncode in (1, 2)
    assert done.stderr.startswith("relay: ")
    assert done.stderr.count("\n") == 1, done.stderr


def test_set_up_without_a_browser_or_a_running_relay(tmp_path: Path) -> None:
    folder = tmp_path / "a folder, oddly called #1 %41?"

    added = relay(folder, "user", "add", "ada@example.com", given="correct horse battery\n")
    listed = relay(folder, "flows")

    assert added.stdout == "ada@example.com can sign in.\n"
    assert "Demo: new order to the inbox" in listed.stdout
    assert {path.name for path in tmp_path.iterdir()} == {folder.name}
    assert (folder / "vault.keys").stat().st_mode & 0o777 == 0o600


@pytest.mark.exhaustive
def test_reader_that_has_seen_enough_is_no_error(prepared: Path, tmp_path: Path) -> None:
    command = f"{sys.executable} -m relay flows --json | true; exit ${{PIPESTATUS[0]}}"
    env = environment(shutil.copytree(prepared, tmp_path / "data"))

    done = subprocess.run(["bash", "-c", command], env=env, capture_output=True, text=True, timeout=60)

    assert done.returncode == 0
    assert done.stderr == ""


@pytest.mark.exhaustive
def test_data_can_stand_anywhere(tmp_path: Path) -> None:
    wanted, other = tmp_path / "wanted", tmp_path / "other"

    done = relay(other, "flows", f"--data={wanted}", "--json")

    assert done.stdout == "[]\n"
    assert wanted.exists()
    assert not other.exists()


@pytest.mark.exhaustive
def test_manage_py_is_the_same(tmp_path: Path) -> None:
    root = Path(__file__).parents[2]

    done = subprocess.run(
        [sys.executable, "manage.py", "version"], cwd=root, env=environment(tmp_path), capture_output=True, text=True
    )

    assert done.stdout.strip()
    assert list(tmp_path.iterdir()) == []
