"""RELAY_FILES_URL: what it can say, and what is refused without repeating the secret."""

from __future__ import annotations

import importlib.util

import pytest

from relay.files_url import ObjectStore, settings_of


def test_a_url_names_the_store_and_its_credentials() -> None:
    store = settings_of("s3://AK%2FID:se%2Fcr%40et%2B@s3.example.com/bucket/relay/files/?region=eu-central-1")

    assert store == ObjectStore(
        "https://s3.example.com", "bucket", "relay/files/", "eu-central-1", True, "AK/ID", "se/cr@et+"
    )
    assert store.label == "https://s3.example.com/bucket/relay/files/"
    assert "se/cr" not in repr(store)


@pytest.mark.parametrize(
    ("url", "endpoint", "region", "path_style"),
    [
        ("s3+http://k:s@127.0.0.1:9000/relay", "http://127.0.0.1:9000", "us-east-1", True),
        ("s3+http://k:s@[::1]:9000/relay", "http://[::1]:9000", "us-east-1", True),
        ("s3://k:s@example.com/relay?path_style=false&region=x", "https://example.com", "x", False),
    ],
)
def test_defaults(url: str, endpoint: str, region: str, path_style: bool) -> None:
    store = settings_of(url)

    assert store is not None
    assert (store.endpoint, store.region, store.path_style, store.prefix) == (endpoint, region, path_style, "")


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("https://key:hunter22@host/bucket", "looks like s3://"),
        ("s3://key:hunter22@host", "looks like s3://"),
        ("s3://key:hunter22@host/", "looks like s3://"),
        ("s3://key:hunter22@host/bucket/../other", "looks like s3://"),
        ("s3://key:hunter22@host/bucket//x", "looks like s3://"),
        ("s3://key:hunter22@host:port/bucket", "looks like s3://"),
        ("s3://key:hunter22@/bucket", "looks like s3://"),
        ("s3://key:hunter22@host/bucket#x", "looks like s3://"),
        ("s3://host/bucket", "percent-encode"),
        ("s3://key@host/bucket", "percent-encode"),
        ("s3://key:hunter22/x@host/bucket", "looks like s3://"),
        ("s3://key:hunter22@host/bucket?acl=public", "not acl"),
        ("s3://key:hunter22@host/bucket?path_style=maybe", "true or false"),
    ],
)
def test_a_wrong_url_is_refused_without_its_secret(url: str, said: str) -> None:
    with pytest.raises(ValueError, match=said) as refused:
        settings_of(url)

    assert "hunter22" not in str(refused.value)


def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)

    with pytest.raises(ValueError, match="needs the extra s3"):
        settings_of("s3://k:s@host/bucket")
