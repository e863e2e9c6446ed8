"""Files in a real S3-compatible server, which is stopped and started again."""

from __future__ import annotations

import dataclasses
import os
import shutil
import socket
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from django.conf import LazySettings

from relay import files_url
from relay.engine.files import file_store
from relay.engine.files import object_store as objects
from relay.engine.upkeep import object_removal
from relay.errors import FileGone, FileStoreDown
from relay.models import StoredFile, Workspace
from tests.support.file_flows import stored
from tests.support.running import wait_until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.real]
SERVER = "nanio==0.1.7"
KEY, SECRET = "relay", "pa/ss+word@1"


class Server:
    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, _free_port()
        (folder / "files").mkdir()
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        words = ["uvx", "--from", SERVER, "nanio", "serve", "--host", "127.0.0.1", "--port", str(self.port)]
        env = {**os.environ, "NANIO_ACCESS_KEY": KEY, "NANIO_SECRET_KEY": SECRET}
        with (self.folder.parent / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                [*words, "--data-dir", str(self.folder), "--region", "eu-1"], env=env, stdout=log, stderr=log
            )
        wait_until(self._answers, what="the store answers", seconds=60)

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(20)

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, (self.folder.parent / "server.log").read_text()
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{self.port}/", timeout=1)
        except urllib.error.HTTPError:
            return True
        except OSError:
            return False
        return True


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


@pytest.fixture
def server(tmp_path: Path, settings: LazySettings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    if shutil.which("uvx") is None:
        pytest.skip("uvx, which runs the S3-compatible server, is not installed")
    (tmp_path / "data").mkdir()
    running = Server(tmp_path / "data")
    monkeypatch.setattr(object_removal, "GRACE_MICROS", -1_000_000)
    url = f"s3+http://{KEY}:{quote(SECRET, safe='')}@127.0.0.1:{running.port}/files/relay?region=eu-1"
    settings.FILES_STORE = files_url.settings_of(url)
    running.start()
    yield running
    running.stop()


def test_files_survive_the_store_and_are_removed(workspace: Workspace, server: Server) -> None:
    content = os.urandom(9_000_000)
    kept, removed = (StoredFile.objects.get(pk=stored(workspace, content).id) for _ in range(2))
    empty = StoredFile.objects.get(pk=stored(workspace, b"").id)

    objects.check()
    server.stop()
    with pytest.raises(FileStoreDown):
        next(_read(kept))
    with pytest.raises(FileStoreDown):
        stored(workspace, b"x")
    server.start()
    file_store.remove([removed.pk])
    object_removal.remove_some()

    assert b"".join(_read(kept)) == content
    assert b"".join(_read(empty)) == b""
    with pytest.raises(FileGone):
        next(_read(removed))
    assert [one for batch in objects.files(kept.area) for one in batch] == [kept.pk]


@pytest.mark.parametrize(("part", "wrong"), [("secret", "wrong"), ("key", "wrong"), ("bucket", "missing")])
def test_a_wrong_setting_is_a_store_that_is_down(
    workspace: Workspace, server: Server, settings: LazySettings, part: str, wrong: str
) -> None:
    settings.FILES_STORE = dataclasses.replace(settings.FILES_STORE, **{part: wrong})

    for use in (objects.check, lambda: stored(workspace, b"x"), lambda: list(objects.files("area"))):
        with pytest.raises(FileStoreDown):
            use()


def _read(row: StoredFile) -> Any:
    return file_store.read(row.pk, row.size, row.area)
