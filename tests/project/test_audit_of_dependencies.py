"""`.ci/audit` against an advisory service of this machine: it passes, finds a hole, and fails where it learns none."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

# The script fetches a tool and checks every dependency with it, which takes long.
pytestmark = pytest.mark.exhaustive

SCRIPT = Path(__file__).parents[2] / ".ci" / "audit"
TOOL = re.search(r"pip-audit==[\d.]+", SCRIPT.read_text())
Answer = Callable[[str, str], list[dict[str, Any]]]


def hole(name: str, alias: str) -> dict[str, Any]:
    """An advisory, in the service's shape."""
    package = {"name": name, "ecosystem": "PyPI"}
    ranges = [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "999"}]}]
    affected = [{"package": package, "ranges": ranges}]
    return {"id": f"GHSA-{name}", "aliases": [alias], "summary": "A hole", "affected": affected}


def known(name: str, version: str) -> list[dict[str, Any]]:
    """What such a service knows of what the script looks for first, and nothing else."""
    return [hole(name, "CVE-2025-27516")] if (name, version) == ("jinja2", "3.1.5") else []


def of_django(name: str, version: str) -> list[dict[str, Any]]:
    return known(name, version) + ([hole(name, "CVE-2026-0001")] if name == "django" else [])


@pytest.fixture(scope="session")
def tool() -> None:
    """pip-audit, which the script runs in an environment of its own."""
    assert TOOL
    command = ["uvx", "--quiet", "--from", TOOL[0], "pip-audit", "--version"]
    if shutil.which("uvx") is None or subprocess.run(command, capture_output=True, timeout=120).returncode:
        pytest.skip("pip-audit can't be had here: uvx and a package index are needed")


def audited(url: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "AUDIT_OSV_URL": url}
    return subprocess.run(["bash", str(SCRIPT)], env=env, capture_output=True, text=True, timeout=300)


@pytest.mark.parametrize(
    ("answer", "code", "said"),
    [
        (known, 0, "No known vulnerabilities found"),
        (of_django, 1, "CVE-2026-0001"),
        (lambda name, version: [], 1, "The advisory service can't be asked from here: nothing was checked."),
    ],
    ids=["nothing is known", "a hole", "a service that knows nothing"],
)
def test_what_the_service_says(tool: None, httpserver: HTTPServer, answer: Answer, code: int, said: str) -> None:
    asked = []

    def respond(request: Request) -> Response:
        about = request.get_json(force=True)
        asked.append(about["package"]["name"])
        found = answer(about["package"]["name"], about["version"])
        return Response(json.dumps({"vulns": found} if found else {}), content_type="application/json")

    httpserver.expect_request("/v1/query", method="POST").respond_with_handler(respond)

    done = audited(httpserver.url_for("/v1/query"))

    assert done.returncode == code, done.stdout + done.stderr
    assert said in done.stdout + done.stderr
    assert (len(set(asked)) > 40) == (said != "The advisory service can't be asked from here: nothing was checked.")


@pytest.mark.parametrize("status", [403, 500])
def test_a_service_that_does_not_answer_fails(tool: None, httpserver: HTTPServer, status: int) -> None:
    httpserver.expect_request("/v1/query").respond_with_data("", status=status)

    done = audited(httpserver.url_for("/v1/query"))

    assert done.returncode == 1
    assert "nothing was checked" in done.stderr
