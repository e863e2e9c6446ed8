"""The tests of engine, ingest, commands and pages also pass on PostgreSQL."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.postgresql import Postgres

pytestmark = pytest.mark.postgres
ROOT = Path(__file__).parents[2]
# The exhaustive tables, too.
OPTIONS = (
    "-m",
    "not bench and not chaos and not postgres and not real",
    "-n",
    "2",
    "-q",
    "-p",
    "no:cacheprovider",
    "--reuse-db",
)
PARTS = ("api", "engine", "ingest", "models", "commands", "web")


def test_suite_passes_on_postgres(postgres: Postgres) -> None:
    parts = [f"tests/{part}" for part in PARTS if (ROOT / "tests" / part).exists()]
    command = [sys.executable, "-m", "pytest", *parts, *OPTIONS]
    env = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "RELAY_TEST_SKIPS")}

    done = subprocess.run(
        command,
        cwd=ROOT,
        env={**env, "RELAY_TEST_DATABASE_URL": postgres.url()},
        capture_output=True,
        text=True,
        timeout=1200,
    )

    assert done.returncode == 0, done.stdout[-6000:]
    assert int(re.findall(r"(\d+) passed", done.stdout)[-1]) > 100
