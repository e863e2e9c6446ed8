"""The data folder: keys made once, private, whole or not at all."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from relay import data_folder
from relay.data_folder import MAX_SOCKET_PATH_BYTES, DataFolder
from relay.errors import SetupError


def test_keys_are_made_once_and_are_private(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path / "data")
    folder.prepare()
    first = folder.secret_key.read_text(), folder.vault_keys.read_text()

    folder.prepare()

    assert (folder.secret_key.read_text(), folder.vault_keys.read_text()) == first
    modes = {path.stat().st_mode & 0o777 for path in (folder.secret_key, folder.vault_keys)}
    assert modes == {0o600}
    assert folder.path.stat().st_mode & 0o777 == 0o700


def test_starts_at_once_agree_on_the_keys(tmp_path: Path) -> None:
    folders = [DataFolder(tmp_path / "data") for _ in range(16)]

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(DataFolder.prepare, folders))

    assert len(data_folder.read(folders[0].vault_keys).split()) == 1
    assert {path.name for path in folders[0].path.iterdir()} == {"secret.key", "vault.keys"}


@pytest.mark.parametrize("length", [MAX_SOCKET_PATH_BYTES, MAX_SOCKET_PATH_BYTES + 1])
def test_socket_path_has_a_limit(length: int) -> None:
    folder = DataFolder(Path("/" + "x" * (length - len("//valkey.sock"))))
    assert len(str(folder.socket)) == length

    if length <= MAX_SOCKET_PATH_BYTES:
        folder.check_socket_path()
        return
    with pytest.raises(SetupError, match="too long"):
        folder.check_socket_path()


def test_file_in_place_of_the_folder(tmp_path: Path) -> None:
    file = tmp_path / "data"
    file.touch()

    with pytest.raises(SetupError, match="can't be used"):
        DataFolder(file).prepare()


def test_folder_that_cannot_be_written(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path / "gone")

    with pytest.raises(SetupError, match="can't be used"):
        folder.check_writable()


def test_setup_token_stays_until_it_is_dropped(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path)

    first = folder.current_setup_token()

    assert folder.current_setup_token() == first
    assert len(first) == 32
    assert folder.setup_token.stat().st_mode & 0o777 == 0o600
    folder.drop_setup_token()
    assert data_folder.read(folder.setup_token) == ""
    assert folder.current_setup_token() != first
