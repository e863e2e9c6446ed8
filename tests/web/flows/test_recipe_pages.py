"""Tests of the pages of recipes."""

from __future__ import annotations

import html

import msgspec
import pytest
from django.test import Client

from relay.engine.configuration.connections import set_connection
from relay.models import Flow, Workspace
from relay.recipes import loader
from tests.support.recipe_services import CONNECTIONS


def text(answer: object) -> str:
    return html.unescape(getattr(answer, "content", b"").decode())


def test_all_are_listed_by_what_they_are_for(alice: Client) -> None:
    page = text(alice.get("/recipes/"))

    assert all(label in page for label in loader.JOBS.values())
    assert all(one.title in page for one in loader.list_recipes())


@pytest.mark.parametrize("slug", [one.slug for one in loader.list_recipes()])
def test_each_is_shown_with_the_results_of_its_samples(alice: Client, slug: str) -> None:
    recipe = loader.find(slug)

    answer = alice.get(f"/recipes/{slug}/")

    page = text(answer)
    assert answer.status_code == 200
    assert all(part in page for part in (recipe.title, recipe.summary, recipe.setup))
    assert all(sample.name in page for sample in recipe.samples)
    assert all(need.label in page for need in recipe.needs)


def test_a_rendered_result_is_words_and_no_markup(alice: Client) -> None:
    page = alice.get("/recipes/lead-to-crm/").content.decode()

    assert "*New lead*: Grace Hopper of Navy" in page
    assert "&lt;b&gt;Bob&lt;/b&gt;" in page
    assert "<b>Bob" not in page


def test_a_flow_is_made_of_one(alices: tuple[Client, Workspace]) -> None:
    client, workspace = alices
    set_connection(workspace, "Ops", *CONNECTIONS["Slack"])

    answer = client.post("/recipes/low-stock/", {"n.Slack": "Ops"}, follow=True)

    flow = workspace.flows.get()
    assert flow.draft["steps"][-1]["connection"] == "Ops"
    assert flow.samples.count() == 4
    assert "is a draft, with 4 samples. It is complete" in text(answer)


def test_what_is_made_sends_its_first_sample_and_says_where_it_leads(alices: tuple[Client, Workspace]) -> None:
    client, workspace = alices
    client.post("/recipes/payment-outcome/", {"inbox": "1"})
    flow = workspace.flows.get()

    editor = text(client.get(f"/flows/{flow.pk}/"))
    client.post(f"/flows/{flow.pk}/edit/", {"step": "trigger", "do": "sample"})
    listed = text(client.get("/flows/"))

    assert '<option value="sample:' in editor
    assert "Approved" in editor
    assert flow.events.get().body == msgspec.json.encode(loader.find("payment-outcome").samples[0].event["body"])
    # Its actions stand in the arms of a branch.
    assert "Built-in inbox" in listed


def test_what_is_missing_is_named(alices: tuple[Client, Workspace]) -> None:
    client, workspace = alices

    answer = client.post("/recipes/lead-by-size/", {"c.booking": "https://cal.example/x", "inbox": "1"}, follow=True)

    assert workspace.flows.get().draft["constants"]["booking"] == "https://cal.example/x"
    assert "Still empty: Sender of mails" in text(answer)
    assert answer.redirect_chain[-1][0].endswith("?step=flow")


def test_a_missing_connection_is_reported(alices: tuple[Client, Workspace]) -> None:
    client, _ = alices

    answer = client.post("/recipes/low-stock/", {"n.Slack": "gone"})

    assert answer.status_code == 422
    assert "There is no connection “gone” for the one that the recipe calls Slack" in text(answer)
    assert not Flow.objects.exists()


def test_there_is_no_other(alice: Client) -> None:
    assert alice.get("/recipes/nonsense/").status_code == 404
