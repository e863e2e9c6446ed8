"""Tests that plain variables are shown, and secret ones only written."""

from __future__ import annotations

import pytest
from django.test import Client

from relay.engine.configuration import flow_lifecycle, variables
from relay.models import Flow, Variable, Workspace

SECRET = "s3cr3t-value"


def test_a_variable_is_added_and_shown(alice: Client) -> None:
    page = alice.post("/variables/new/", {"name": "shop", "value": "Acme"}, follow=True).content.decode()

    assert "shop was saved" in page
    assert "Acme" in page
    assert Variable.objects.get().value == "Acme"


def test_a_secret_never_comes_back(alice: Client) -> None:
    page = alice.post("/variables/new/", {"name": "key", "value": SECRET, "secret": "1"}, follow=True)
    variable = Variable.objects.get()

    pages = [page, alice.get("/variables/"), alice.get(f"/variables/{variable.pk}/")]
    wrong = alice.post("/variables/new/", {"name": "k e y", "value": SECRET, "secret": "1"})

    assert variable.unseal() == SECRET
    assert wrong.status_code == 422
    assert all(SECRET not in one.content.decode() for one in (*pages, wrong))


@pytest.mark.parametrize(("sent", "kept"), [("", SECRET), ("another\r\n", "another")])
def test_a_secret_left_empty_is_kept(alice: Client, alices: tuple[Client, Workspace], sent: str, kept: str) -> None:
    variable = variables.set_variable(alices[1], "key", SECRET, secret=True)

    alice.post(f"/variables/{variable.pk}/", {"value": sent})

    variable.refresh_from_db()
    assert variable.unseal() == kept


def test_a_name_is_taken_once(alice: Client) -> None:
    alice.post("/variables/new/", {"name": "shop", "value": "Acme"})

    page = alice.post("/variables/new/", {"name": "shop", "value": "Other"})

    assert page.status_code == 422
    assert "already a variable called shop" in page.content.decode()
    assert Variable.objects.get().value == "Acme"


def test_what_a_live_flow_uses_stays(alice: Client, alices: tuple[Client, Workspace]) -> None:
    variable = variables.set_variable(alices[1], "shop", "Acme")
    document = {"relay": 1, "name": "Uses it", "title": "{{ vars.shop }}", "trigger": {"kind": "webhook"}, "steps": []}
    flow_lifecycle.import_document(alices[1], document, publish_it=True)

    page = alice.post(f"/variables/{variable.pk}/remove/", {"sure": "1"}, follow=True).content.decode()

    assert "shop is used by Uses it" in page
    assert "Uses it" in alice.get("/variables/").content.decode()


def test_variables_of_others_are_not_found(bob: Client, alices: tuple[Client, Workspace]) -> None:
    variable = variables.set_variable(alices[1], "shop", "Acme")

    assert bob.get(f"/variables/{variable.pk}/").status_code == 404
    assert bob.post(f"/variables/{variable.pk}/remove/").status_code == 404
    assert "Acme" not in bob.get("/variables/").content.decode()


def test_constants_are_set_with_the_flow(alice: Client, flow: Flow) -> None:
    form = {"step": "flow", "form": "1", "name": "Orders", "constants.key": ["vat", ""], "constants.value": ["19", ""]}

    alice.post(f"/flows/{flow.pk}/edit/", {**form, "do": "save"})

    flow.refresh_from_db()
    assert flow.draft["constants"] == {"vat": "19"}
    assert 'value="vat"' in alice.get(f"/flows/{flow.pk}/?step=flow").content.decode()
