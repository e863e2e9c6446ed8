"""Tests which stored secrets a changed connection keeps, and that none of them is sent to a new host."""

from __future__ import annotations

from typing import Any

import pytest

from relay.connectors import registry
from relay.connectors.definition import Connector, Field
from relay.engine.configuration import connections
from relay.errors import RelayError
from relay.models import Connection, Workspace

ZENDESK = {"subdomain": "acme", "email": "ada@example.com", "token": "fedcba9876543210"}
WITHOUT_SECRET = {"subdomain": "acme", "email": "ada@example.com"}


def save(workspace: Workspace, values: dict[str, Any], key: str = "zendesk") -> dict[str, Any]:
    connection = connections.set_connection(workspace, "One", key, values)
    return Connection.objects.get(pk=connection.pk).unseal()


@pytest.mark.parametrize("token", [{}, {"token": ""}])
def test_an_empty_secret_is_kept(workspace: Workspace, token: dict[str, str]) -> None:
    save(workspace, ZENDESK)

    stored = save(workspace, {**WITHOUT_SECRET, "email": "bob@example.com", **token})

    assert stored == {**ZENDESK, "email": "bob@example.com"}


def test_a_new_connection_needs_its_secrets(workspace: Workspace) -> None:
    with pytest.raises(RelayError, match="API token is needed"):
        save(workspace, WITHOUT_SECRET)


def test_a_secret_is_kept_of_the_same_workspace_only(workspace: Workspace) -> None:
    save(workspace, ZENDESK)

    with pytest.raises(RelayError, match="API token is needed"):
        save(Workspace.objects.create(name="Elsewhere"), WITHOUT_SECRET)


def test_a_required_secret_cannot_be_removed(workspace: Workspace) -> None:
    save(workspace, ZENDESK)

    with pytest.raises(RelayError, match="API token is needed"):
        save(workspace, {**WITHOUT_SECRET, "token": None})


@pytest.mark.parametrize("name", ["ACME", "Acme"])
def test_the_same_host_in_other_letters_keeps_the_secret(workspace: Workspace, name: str) -> None:
    save(workspace, ZENDESK)

    try:
        stored = save(workspace, {**WITHOUT_SECRET, "subdomain": name})
    except RelayError as error:
        assert "Subdomain doesn't look right" in str(error)  # the field itself takes small letters only
    else:
        assert stored["token"] == ZENDESK["token"]


def test_another_host_needs_the_secret(workspace: Workspace) -> None:
    save(workspace, ZENDESK)

    with pytest.raises(RelayError) as refused:
        save(workspace, {**WITHOUT_SECRET, "subdomain": "evil"})

    assert str(refused.value) == (
        "The address of Zendesk changes from acme.zendesk.com to evil.zendesk.com. A stored secret is"
        f" not sent to another address: enter {registry.connector('zendesk').connection[-1].label} as well"
    )
    assert Connection.objects.get().unseal() == ZENDESK
    assert save(workspace, {**ZENDESK, "subdomain": "other"})["subdomain"] == "other"


@pytest.fixture
def _hosted(monkeypatch: pytest.MonkeyPatch) -> None:
    """A connector whose connection names a part of the host, and one whose connection is the URL."""
    token = Field("token", "Token", secret=True)
    name = Field("shop", "Shop", required=True)
    shop = Connector("shop", "Shop", connection=(name, token), hosts=("{{ connection.shop }}.shop.example",))
    own = Connector(
        "own", "Own", connection=(Field("url", "URL", required=True), token), hosts=("{{ connection.url }}",)
    )
    hidden = Connector(
        "hidden",
        "Hidden",
        connection=(Field("url", "URL", required=True, secret=True), token),
        hosts=("{{ connection.url }}",),
    )
    known = {one.key: one for one in (shop, own, hidden)}
    monkeypatch.setattr(registry, "connector", lambda key: known[key])


@pytest.mark.parametrize(
    "shop",
    [
        *("evil.example/", "evil.example#", "evil.example?", "a@evil.example/", "evil.example:443/x", "evil.example\\"),
        *("evil.example%2f", "a b", "a\tb", "a/../b", "[::1]/", "169.254.169.254/", "é" * 300, "{{ 1 }}", "."),
    ],
)
@pytest.mark.usefixtures("_hosted")
def test_a_part_of_a_host_cannot_name_another(workspace: Workspace, shop: str) -> None:
    save(workspace, {"shop": "acme", "token": "secret-token"}, "shop")

    with pytest.raises(RelayError):
        save(workspace, {"shop": shop}, "shop")
    with pytest.raises(RelayError):  # nor with a new secret
        save(workspace, {"shop": shop, "token": "new-token"}, "shop")

    assert Connection.objects.get().unseal() == {"shop": "acme", "token": "secret-token"}


@pytest.mark.parametrize(
    "url",
    [
        *("https://evil.example/", "https://acme.example:8443/", "https://acme.example@evil.example/"),
        *("http://acme.example/", "https://acme.example.evil.example/"),
    ],
)
@pytest.mark.usefixtures("_hosted")
def test_a_url_at_another_origin_needs_the_secret(workspace: Workspace, url: str) -> None:
    save(workspace, {"url": "https://acme.example/a", "token": "secret-token"}, "own")

    with pytest.raises(RelayError):
        save(workspace, {"url": url}, "own")

    assert Connection.objects.get().unseal()["url"] == "https://acme.example/a"


@pytest.mark.parametrize(
    "url", ["https://ACME.example/~ada", "https://acme.example:443/~ada/", "HTTPS://acme.example.:443/~ada"]
)
@pytest.mark.usefixtures("_hosted")
def test_another_spelling_of_the_address_keeps_the_secret(workspace: Workspace, url: str) -> None:
    save(workspace, {"url": "https://acme.example/~ada", "token": "secret-token"}, "own")

    assert save(workspace, {"url": url}, "own") == {"url": url, "token": "secret-token"}


@pytest.mark.parametrize(
    "url",
    [
        *("https://acme.example/~eve", "https://acme.example/", "https://acme.example", "https://acme.example/~Ada"),
        *("https://acme.example/~ada/../~eve", "https://acme.example/~ada?", "https://acme.example/%7Eada"),
    ],
)
@pytest.mark.usefixtures("_hosted")
def test_another_path_of_the_same_host_needs_the_secret(workspace: Workspace, url: str) -> None:
    """On shared hosting, another path may belong to somebody else."""
    save(workspace, {"url": "https://acme.example/~ada", "token": "secret-token"}, "own")

    with pytest.raises(RelayError, match=r"from acme\.example/~ada to acme\.example") as refused:
        save(workspace, {"url": url}, "own")

    assert "enter Token as well" in str(refused.value)
    assert Connection.objects.get().unseal()["url"] == "https://acme.example/~ada"
    assert save(workspace, {"url": url, "token": "new-token"}, "own")["token"] == "new-token"


@pytest.mark.usefixtures("_hosted")
def test_a_secret_url_is_not_shown(workspace: Workspace) -> None:
    save(workspace, {"url": "https://acme-hidden.example/a", "token": "secret-token"}, "hidden")

    with pytest.raises(RelayError) as refused:
        save(workspace, {"url": "https://evil.example/"}, "hidden")

    assert "enter Token as well" in str(refused.value)
    assert "acme-hidden" not in str(refused.value)
    assert save(workspace, {"token": "other"}, "hidden")["url"] == "https://acme-hidden.example/a"


@pytest.mark.usefixtures("_hosted")
def test_without_a_stored_secret_the_host_may_change(workspace: Workspace) -> None:
    save(workspace, {"shop": "acme"}, "shop")

    assert save(workspace, {"shop": "other"}, "shop") == {"shop": "other"}
    assert save(workspace, {"shop": "other", "token": "one"}, "shop")["token"] == "one"
    assert save(workspace, {"shop": "third", "token": None}, "shop") == {"shop": "third"}


def test_values_that_cannot_be_opened_keep_nothing(workspace: Workspace) -> None:
    save(workspace, ZENDESK)
    Connection.objects.update(sealed=b"damaged")

    with pytest.raises(RelayError, match="API token is needed"):
        save(workspace, WITHOUT_SECRET)
    assert save(workspace, {**ZENDESK, "subdomain": "new"})["subdomain"] == "new"
