"""`relay outbound check`."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from relay.errors import RelayError
from tests.commands.conftest import Shell
from tests.support.running import environment

HOSTILE = ["http://127.0.0.1\n/", "http://h\ud800/", "", "//8.8.8.8/", "http://[::1]:6379/"]


@pytest.mark.django_db
def test_urls_are_judged_in_their_order(shell: Shell) -> None:
    found = shell.json("outbound", "check", "https://8.8.8.8/a", "http://10.0.0.1/", "http://8.8.8.8:25/", "--json")

    assert [(one["url"], one["allowed"], one["addresses"]) for one in found] == [
        ("https://8.8.8.8/a", True, ["8.8.8.8"]),
        ("http://10.0.0.1/", False, ["10.0.0.1"]),
        ("http://8.8.8.8:25/", False, []),
    ]
    assert found[0]["reason"] == ""
    assert "private" in found[1]["reason"]
    assert "port 25" in found[2]["reason"]


def test_json_lines_carry_what_no_argument_can(shell: Shell) -> None:
    given = "\n".join(json.dumps(url) for url in HOSTILE) + "\n\n"

    found = shell.json("outbound", "check", "-", "--json", given=given)

    assert [one["url"] for one in found] == HOSTILE
    assert not any(one["allowed"] for one in found)
    assert all(one["reason"] for one in found)


def test_a_table_for_people(shell: Shell) -> None:
    shown = shell("outbound", "check", "http://10.0.0.1/", "http://8.8.8.8/").splitlines()

    assert shown[1].startswith("no       http://10.0.0.1/  10.0.0.1 leads to a private")
    assert shown[2] == "yes      http://8.8.8.8/   8.8.8.8"


@pytest.mark.parametrize("line", ["http://8.8.8.8/", "{}", "7", "[" * 100_000])
def test_a_line_that_is_no_json_string_is_named(shell: Shell, line: str) -> None:
    with pytest.raises(RelayError, match="Line 2 of standard input"):
        shell("outbound", "check", "-", given=f'"http://8.8.8.8/"\n{line}\n')


def test_it_needs_no_database(monkeypatch: pytest.MonkeyPatch) -> None:
    out = io.StringIO()

    call_command("outbound", "check", "http://8.8.8.8/", "--json", stdout=out)

    assert json.loads(out.getvalue())[0]["allowed"]


def check(folder: Path, *urls: str, **settings: str) -> Any:
    command = [sys.executable, "-m", "relay", "outbound", "check", *urls, "--json"]
    done = subprocess.run(command, env=environment(folder, settings), capture_output=True, text=True, timeout=60)
    return json.loads(done.stdout) if done.returncode == 0 else done.stderr


def test_the_settings_count(tmp_path: Path) -> None:
    settings = {"RELAY_ALLOWED_NETWORKS": "10.0.0.0/8", "RELAY_OUTBOUND_PORTS": "443,8000-8001"}

    found = check(tmp_path, "http://10.0.0.1:8000/", "http://10.0.0.1/", "https://192.168.0.1/", **settings)

    assert [one["allowed"] for one in found] == [True, False, False]


@pytest.mark.parametrize(
    ("name", "value"), [("RELAY_OUTBOUND_PORTS", "https"), ("RELAY_ALLOWED_NETWORKS", "10.0.0.1/8")]
)
def test_a_setting_that_cannot_be_read_is_named(tmp_path: Path, name: str, value: str) -> None:
    assert check(tmp_path, "http://8.8.8.8/", **{name: value}).startswith(f"relay: {name} has ")
