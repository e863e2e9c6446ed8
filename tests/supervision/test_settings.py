"""A setting of the way out, or of mail, that can't be read stops the start, in one line."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.running import environment

WRONG = {
    "RELAY_OUTBOUND_PORTS": "https",
    "RELAY_OUTBOUND_PROXY": "socks5://ann:hunter22@127.0.0.1:1080",
    "RELAY_ALLOWED_NETWORKS": "10.0.0.1/8",
    "RELAY_EMAIL_URL": "imap://ann:hunter22@127.0.0.1",
}


@pytest.mark.parametrize("words", [["up", "--port", "0"], ["worker", "--burst"]])
@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_setting_stops_the_start(tmp_path: Path, name: str, words: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "relay", *words],
        env=environment(tmp_path, {name: WRONG[name]}),
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert done.returncode == 2
    assert f"{name} " in done.stderr.removeprefix("relay: ")
    assert "hunter22" not in done.stderr
