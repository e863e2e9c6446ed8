"""The wheel alone, in an environment that has nothing else: it brings its pages, files, recipes and help."""

from __future__ import annotations

import re
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path
from zipfile import ZipFile

import pytest
import requests

from tests.support.running import Relay

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PASSWORD = "correct horse battery"


def uv(*words: str) -> None:
    subprocess.run(["uv", *words], cwd=ROOT, check=True, capture_output=True, timeout=300)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    uv("build", "--quiet", "--wheel", "--out-dir", str(folder))
    return next(folder.glob("relay_flows-*.whl"))


@pytest.fixture
def installed(wheel: Path) -> Iterator[Relay]:
    """A running Relay of the wheel, with an account."""
    home = wheel.parent / "venv"
    pins = wheel.parent / "pins.txt"
    pins.write_text("\n".join(PROJECT["tool"]["uv"]["constraint-dependencies"]))
    uv("venv", "--quiet", str(home))
    uv("pip", "install", "--quiet", "--python", str(home / "bin/python"), "--constraint", str(pins), str(wheel))
    relay = Relay([str(home / "bin/relay")])
    relay.command("user", "add", "ada@example.com", given=f"{PASSWORD}\n")
    yield relay.start()
    relay.remove()


def test_it_has_all_that_is_not_code(wheel: Path) -> None:
    names = set(ZipFile(wheel).namelist())
    folders = ("templates", "static", "docs")
    wanted = [path.relative_to(ROOT) for folder in folders for path in (ROOT / folder).rglob("*") if path.is_file()]

    assert {str(path) for path in [*wanted, Path("mkdocs.yml")] if f"relay/{path}" not in names} == set()
    assert [name for name in names if not name.startswith(("relay/", "relay_flows-"))] == []


@pytest.mark.exhaustive
def test_it_runs_alone(installed: Relay) -> None:
    version = PROJECT["project"]["version"]

    with _signed_in(installed) as browser:
        recipes = browser.get(f"{installed.url}/recipes/", timeout=20).text
        files = [
            browser.get(f"{installed.url}{path}", timeout=20) for path in re.findall(r'"(/static/[^"]+)"', recipes)
        ]
        found = browser.get(f"{installed.url}/help/?q=time", timeout=20)
        without_help = _without_help(installed, browser)

    assert installed.command("version") == f"{version}\n"
    assert 'href="/recipes/low-stock/"' in recipes
    assert len(files) > 5
    assert {(one.url, one.status_code) for one in files if one.status_code != 200} == set()
    assert found.status_code == 200
    assert f"Relay {version}" in found.text
    assert without_help == set()


def _signed_in(relay: Relay) -> requests.Session:
    session = requests.Session()
    page = session.get(f"{relay.url}/sign-in/", timeout=20)
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)
    assert token
    form = {"csrfmiddlewaretoken": token[1], "login": "ada@example.com", "password": PASSWORD}
    answer = session.post(page.url, form, headers={"Referer": page.url}, timeout=20)
    assert answer.url == f"{relay.url}/flows/"
    return session


def _without_help(relay: Relay, browser: requests.Session) -> set[str]:
    """The pages of the documentation that aren't shown."""
    names = [path.stem for path in (ROOT / "docs").glob("*.md")]
    pages = {name: browser.get(f"{relay.url}/help/{name}/", timeout=20).text for name in names}
    return {name for name, page in pages.items() if '<article class="prose"><h1' not in page}
