"""The first account is created once, even if many web processes create it at the same moment."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
import requests

from tests.postgres.conftest import Hosts

pytestmark = pytest.mark.postgres


def test_two_hosts_make_one_first_account(hosts: Hosts, fetch: Callable[[str], list[tuple[Any, ...]]]) -> None:
    relay = hosts.relay()
    relay.command("migrate")
    token = secrets.token_urlsafe(24)
    ports = [hosts.serve("web"), hosts.serve("web")]
    for folder in hosts.folders():
        (folder / "setup.token").write_text(token)
    start = Barrier(2)

    def first_account(port: int) -> int:
        browser, place = requests.Session(), f"http://127.0.0.1:{port}/setup/{token}/"
        page = browser.get(place, timeout=30).text
        field = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)
        assert field
        data = {"csrfmiddlewaretoken": field[1], "email": f"a{port}@example.com", "password": "correct horse battery"}
        start.wait()
        return browser.post(place, data=data, allow_redirects=False, timeout=30).status_code

    with ThreadPoolExecutor(2) as threads:
        statuses = sorted(threads.map(first_account, ports))

    assert statuses[0] == 302
    assert statuses[1] in (404, 422)
    assert fetch("SELECT (SELECT count(*) FROM relay_user), (SELECT count(*) FROM relay_workspace)") == [(1, 1)]
    relay.remove()
