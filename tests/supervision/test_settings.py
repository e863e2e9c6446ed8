"""An invalid setting for outbound requests or mail stops the start with one line."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

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


@pytest.mark.parametrize(
    ("name", "words"),
    [
        *((name, ["up", "--port", "0"]) for name in WRONG),
        ("RELAY_OUTBOUND_PROXY", ["worker", "--burst"]),
        *(
            pytest.param(name, ["worker", "--burst"], marks=pytest.mark.exhaustive)
            for name in WRONG
            if name != "RELAY_OUTBOUND_PROXY"
        ),
    ],
)
def test_a_wrong_setting_stops_the_start(tmp_path: Path, prepared: Path, name: str, words: list[str]) -> None:
    folder = shutil.copytree(prepared, tmp_path / "data")
    done = subprocess.run(
        [sys.executable, "-m", "relay", *words],
        env=environment(folder, {name: WRONG[name]}),
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert done.returncode == 2
    assert len([line for line in done.stderr.splitlines() if not line.startswith("timestamp=")]) == 1
    assert f"{name} " in done.stderr.removeprefix("relay: ")
    assert "hunter22" not in done.stderr
