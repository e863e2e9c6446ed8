"""Every kind of step, action and state is on a page."""

from __future__ import annotations

import re

import pytest

from relay.connectors import registry
from relay.connectors.definition import Action, Connector, Field
from relay.connectors.service_page import service_page
from relay.handbook.rendering import render
from relay.models import HeldBy
from relay.web.ui import state_labels
from tests.docs.format import STEP_KINDS, own_fields
from tests.docs.reading import PAGES, first_table, named, rows, section

CALLED = [connector for connector in registry.list_connectors() if connector.actions]


@pytest.mark.parametrize("kind", STEP_KINDS)
def test_every_kind_of_step_is_documented(kind: str) -> None:
    text = section("steps", kind.capitalize())

    assert all(f"`{name}`" in text for name in own_fields(STEP_KINDS[kind]))
    assert f'"kind": "{kind}"' in text


def test_no_other_kinds_of_steps_are_documented() -> None:
    documented = {
        re.sub(r"\W", "", row[0].partition("]")[0]) for row in first_table(section("steps", "Kinds of steps"))
    }

    assert documented == set(STEP_KINDS)


def test_states_of_steps_are_shown_as_documented() -> None:
    documented = {row[0].strip("`"): row[1] for row in rows(section("steps", "What the run page shows"))}

    assert documented == {state: look.word for state, look in state_labels.STEPS.items()}


def test_the_page_of_services_is_that_of_the_catalogue() -> None:
    assert PAGES["services"] == service_page(registry.list_connectors()), (
        "Run `make services`: the catalogue has changed"
    )


def test_every_action_is_documented() -> None:
    documented = {
        row[0].split("`")[1]: [re.findall(r"\w+", re.sub(r" if [^,]+", "", row[1])), *row[2:]]
        for row in rows(PAGES["services"])
    }

    assert documented == {
        f"{one.key}.{action.key}": [
            [field.key for field in action.inputs if field.required] or ["none"],
            "yes" if action.repeatable else "no; Relay asks" if action.inquiry else "no",
            ", ".join(f"`{output.key}`" for output in action.outputs) or "none of its own",
        ]
        for one in registry.list_connectors()
        for action in one.actions
    }


def test_states_of_runs_are_shown_as_documented() -> None:
    documented = {row[0].strip("`"): row[1] for row in rows(section("errors-and-retries", "States of a run"))}

    assert documented == {str(state): look.word for state, look in state_labels.RUNS.items()}


def test_every_reason_for_which_runs_are_held_is_documented() -> None:
    assert set(named(section("errors-and-retries", "Held runs"))) == set(HeldBy.values)


def test_an_input_that_only_some_values_need_says_which() -> None:
    row = next(row for row in rows(PAGES["services"]) if row[0].startswith("`slack_bot.direct_message`:"))

    assert row[1] == "`email` if `by` is `e-mail`, `user` if `by` is `id`, `text`"


@pytest.mark.parametrize("connector", CALLED, ids=lambda one: one.key)
def test_each_service_says_how_it_is_connected_and_when_runs_are_held(connector: Connector) -> None:
    text = section("services", connector.label)
    replies = [action.reply for action in connector.actions if action.reply]

    assert all(f"`{field.key}`" in text for field in connector.connection)
    # Where the grant is the client's own credentials, these are fields like any other.
    has_consent = connector.oauth is not None and bool(connector.oauth.authorize_url)
    assert ("[OAuth](oauth.md)" in text) == has_consent
    assert ("refuses the credential" in text) == any(reply.refused or reply.refusing for reply in replies)
    assert all(str(status) in text for reply in replies for status in reply.refused)


def test_texts_of_the_catalogue_are_no_markup() -> None:
    """Python-Markdown shows a backslash and one of these characters as that character."""
    hostile = "a|b *c* `d` <script> &amp; [e](f) \\g"
    shop = Connector(
        "shop",
        "Shop",
        (Action("buy", "Buy", help=hostile),),
        (),
        (Field("token", "Token", help=hostile),),
        help=hostile,
    )

    html = render("services", service_page([shop]), str).html

    assert html.count("a|b *c* `d` &lt;script&gt; &amp;amp; [e](f) \\g") == 3
