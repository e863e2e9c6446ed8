"""An invalid setting for outbound requests or mail stops the start with one line."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.examples import a_few
from tests.support.running import environment

WRONG = {
    "RELAY_PUBLIC_URL": "https://ann:hunter22@relay.example.com",
    "RELAY_HOSTS": "relay.example.com,inner example",
    "RELAY_OUTBOUND_PORTS": "https",
    "RELAY_OUTBOUND_PROXY": "socks5://ann:hunter22@127.0.0.1:1080",
    "RELAY_ALLOWED_NETWORKS": "10.0.0.1/8",
    "RELAY_INGEST_URL": "https://ann:hunter22@hooks.example.com",
    "RELAY_CA_FILE": "/etc/hostname",
    "RELAY_FILES_URL": "https://ann:hunter22@127.0.0.1/bucket",
    "RELAY_EMAIL_URL": "imap://ann:hunter22@127.0.0.1",
}


CASES = [(name, command) for command in ("up --port 0", "worker --burst") for name in WRONG]


@pytest.mark.parametrize(
    "case",
    a_few(CASES, [("RELAY_PUBLIC_URL", "up --port 0"), ("RELAY_OUTBOUND_PROXY", "worker --burst")]),
    ids=" ".join,
)
def test_a_wrong_setting_stops_the_start(tmp_path: Path, prepared: Path, case: tuple[str, str]) -> None:
    name, command = case
    folder = shutil.copytree(prepared, tmp_path / "data")
    done = subprocess.run(
        [sys.executable, "-m", "relay", *command.split()],
        env=environment(folder, {name: WRONG[name]}),
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert done.returncode == 2
    assert len([line for line in done.stderr.splitlines() if not line.startswith("timestamp=")]) == 1
    assert f"{name} " in done.stderr.removeprefix("relay: ")
    assert "hunter22" not in done.stderr
