"""A data folder of an earlier Relay: `relay up` brings its tables up to date, and everything in it still works.

`before_rooms` was made by the commit before the modules were grouped into rooms (migration 0017): a flow with runs in
several states, a secret variable, and the keys that open it. The keys protect nothing but that variable.
"""

from __future__ import annotations

import gzip
import json
import shutil
import tempfile
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer

from tests.support.running import Relay, wait_until

pytestmark = pytest.mark.exhaustive  # it takes long

BEFORE = Path(__file__).parent / "before_rooms"
PATH = "/in/zqTRF-TEo3GDOzvZ8wtGlwKaF_fwUuZi"


@pytest.fixture
def upgraded() -> Iterator[Relay]:
    folder = Path(tempfile.mkdtemp(prefix="relay-up-")) / "data"
    folder.mkdir(mode=0o700)
    (folder / "relay.sqlite3").write_bytes(gzip.decompress((BEFORE / "relay.sqlite3.gz").read_bytes()))
    for name in ("vault.keys", "secret.key"):
        shutil.copy(BEFORE / name, folder / name)
        (folder / name).chmod(0o600)
    relay = Relay(RELAY_DATA=str(folder), RELAY_ALLOWED_NETWORKS="127.0.0.0/8")
    yield relay.start()
    relay.remove()


def test_a_data_folder_of_an_earlier_version_is_brought_up_to_date(upgraded: Relay, httpserver: HTTPServer) -> None:
    httpserver.expect_request("/told", headers={"X-Token": "tok-0123456789abcdef"}).respond_with_data("ok")
    runs = {run["state"] for run in upgraded.json("runs", "--json")}
    assert {"failed", "filtered"} <= runs

    # The flow takes new orders, and deduplication works.
    order = {"id": 9, "customer": "c9", "to": "", "paid": False, "rows": []}
    assert _post(upgraded, PATH, order) == _post(upgraded, PATH, order)
    wait_until(lambda: len(upgraded.json("runs", "--json", "--state", "filtered")) == 2, what="the new order's run")
    # The sealed variable opens with the keys of the folder.
    flow = upgraded.json("import", "--publish", "-", given=json.dumps(_telling(httpserver.url_for("/told"))))
    _post(upgraded, flow["url"].removeprefix(upgraded.url), {})
    wait_until(lambda: httpserver.log, what="the secret is sent")

    assert httpserver.log[0][1].status_code == 200
    (issue,) = upgraded.json("issues", "--json")
    assert issue["step"] == "send"


def _post(relay: Relay, path: str, body: dict[str, object]) -> dict[str, str]:
    request = urllib.request.Request(relay.url + path, json.dumps(body).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return dict(json.loads(answer.read()))


def _telling(url: str) -> dict[str, object]:
    inputs = {"method": "POST", "url": url, "headers": {"X-Token": "{{ vars.API_TOKEN }}"}}
    step = {"id": "tell", "name": "Tell", "kind": "action", "action": "http.request", "inputs": inputs}
    return {"relay": 1, "name": "Tell", "trigger": {"kind": "webhook"}, "steps": [step]}
