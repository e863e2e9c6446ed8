"""Tests of nested steps in the editor: their cards and forms, saving, previews, text, and the clipboard."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from django.test import Client

from relay.engine.configuration import flow_lifecycle
from relay.engine.intake import sample_events
from relay.models import Flow, Membership, Role, User, Workspace
from tests.support.browsing import Browser

HTMX = {"HX-Request": "true"}
EVENT = b'{"id": 7, "country": "FR", "items": [{"title": "Pen", "price": 19.90}, {"title": "Ink"}]}'
COUNTRY = {"left": "{{ event.body.country }}", "op": "equals"}
STEPS: list[dict[str, Any]] = [
    {
        "id": "route",
        "kind": "branch",
        "branches": [
            {
                "name": "Germany",
                "when": {"all": [{**COUNTRY, "right": "DE"}]},
                "steps": [{"id": "de", "kind": "action", "action": "inbox.post", "inputs": {"text": "Hallo"}}],
            },
            {"name": "France", "when": {**COUNTRY, "right": "FR"}, "steps": []},
        ],
        "else": [],
    },
    {
        "id": "each",
        "kind": "loop",
        "over": "{{ event.body.items }}",
        "steps": [
            {"id": "line", "kind": "set", "values": {"text": "{{ item.title }}"}},
            {"id": "say", "kind": "action", "action": "inbox.post", "inputs": {"text": "{{ steps.line.text }}"}},
        ],
    },
]


@pytest.fixture
def nested(alices: tuple[Client, Workspace]) -> Flow:
    document = {"relay": 1, "name": "Nested", "trigger": {"kind": "webhook"}, "steps": STEPS}
    return flow_lifecycle.create_flow(alices[1], document)


def press(client: Client, flow: Flow, do: str, *, step: str = "trigger", **form: Any) -> str:
    answer = client.post(f"/flows/{flow.pk}/edit/", {"do": do, "step": step, **form}, follow=True)
    assert answer.status_code == 200
    flow.refresh_from_db()
    return answer.content.decode()


def opened(client: Client, flow: Flow, step: str, **query: str) -> str:
    return client.get(f"/flows/{flow.pk}/", {"step": step, **query}).content.decode()


def base(flow: Flow, part: dict[str, Any], page: str) -> dict[str, str]:
    """The hidden fields of a form that was shown from a part of the draft."""
    return {"base": msgspec.json.encode(part).decode(), "revision": str(flow.draft_revision), "page": page, "form": "1"}


@pytest.mark.parametrize(
    ("address", "field"),
    [("de", "in.text"), ("route:1", "left"), ("line", "values.key"), ("say[1]", "in.text"), ("each", "k.over")],
)
def test_every_address_opens_its_form(alice: Client, nested: Flow, address: str, field: str) -> None:
    page = opened(alice, nested, address)

    assert f'name="{field}"' in page
    assert page.count('aria-current="true"') == 1


def test_the_list_shows_groups_with_their_heads(alice: Client, nested: Flow) -> None:
    sample_events.send_sample(nested, EVENT)

    page = opened(alice, nested, "trigger")

    for text in ("country is DE", "Otherwise", "For each of items (2 in this event)", "Add a path"):
        assert text in page
    assert page.index(">Germany<") < page.index(">France<") < page.index(">Otherwise<")


def test_a_nested_step_is_saved_where_it_is(alice: Client, nested: Flow) -> None:
    form = {"form": "1", "name": "Greet", "note": "For Anna", "in.text": "Guten Tag"}

    page = alice.post(f"/flows/{nested.pk}/save/", {"step": "de", **form}, headers=HTMX).content.decode()

    nested.refresh_from_db()
    (step,) = nested.draft["steps"][0]["branches"][0]["steps"]
    assert (step["name"], step["note"], step["inputs"]["text"]) == ("Greet", "For Anna", "Guten Tag")
    assert 'id="words-de"' in page
    assert nested.draft["steps"][1] == STEPS[1]


def test_a_path_is_named_and_gets_its_condition_in_rows(alice: Client, nested: Flow) -> None:
    rows = {"left": ["a", "b"], "op": ["exists", "equals"], "right": ["", "2"], "join": "any"}

    press(alice, nested, "save", step="route:1", form="1", name="Both", **rows)

    path = nested.draft["steps"][0]["branches"][0]
    assert path["name"] == "Both"
    assert path["when"] == {"any": [{"left": "a", "op": "exists"}, {"left": "b", "op": "equals", "right": "2"}]}
    assert [step["id"] for step in path["steps"]] == ["de"]


def test_a_condition_without_all_stays_as_it_is(alice: Client, nested: Flow) -> None:
    row = {"left": COUNTRY["left"], "op": "equals", "right": "FR", "join": "all", "name": "France"}

    press(alice, nested, "save", step="route:2", form="1", **row)

    assert nested.draft == {**nested.draft, "steps": STEPS}
    press(alice, nested, "more rule", step="route:2", form="1", **row)
    assert len(nested.draft["steps"][0]["branches"][1]["when"]["all"]) == 2


@pytest.mark.parametrize(("address", "verdict"), [("route:1", "would not match"), ("route:2", "would match")])
def test_a_path_says_whether_the_last_event_fits(alice: Client, nested: Flow, address: str, verdict: str) -> None:
    sample_events.send_sample(nested, EVENT)

    assert verdict in opened(alice, nested, address)


def test_a_step_in_a_loop_sees_the_first_item(alice: Client, nested: Flow) -> None:
    sample_events.send_sample(nested, EVENT)

    page = opened(alice, nested, "say")

    assert 'data-insert="item.title"' in page
    assert page.index('data-insert="item.title"') < page.index('data-insert="event.body.id"')
    assert 'data-insert="steps.line.text"' in page
    assert '<span class="shown">Pen</span>' in page
    assert ">19.90<" in page[: page.index('data-insert="event.body.id"')]


def test_the_edit_of_a_path_follows_it_when_others_move_it(alice: Client, nested: Flow) -> None:
    former = {"kind": "path", **{key: STEPS[0]["branches"][1][key] for key in ("name", "when")}}
    mine = {**base(nested, former, "mine"), "left": COUNTRY["left"], "op": "equals", "right": "BE", "join": "all"}
    press(alice, nested, "up route:2", page="theirs", revision=str(nested.draft_revision))

    alice.post(f"/flows/{nested.pk}/save/", {"step": "route:2", "name": "France", **mine}, headers=HTMX)

    nested.refresh_from_db()
    france, germany = nested.draft["steps"][0]["branches"]
    assert (france["name"], france["when"]["right"]) == ("France", "BE")
    assert germany == STEPS[0]["branches"][0]


def test_a_path_that_others_removed_is_not_written_over_another(alice: Client, nested: Flow) -> None:
    former = {"kind": "path", **{key: STEPS[0]["branches"][0][key] for key in ("name", "when")}}
    mine = {**base(nested, former, "mine"), "left": "x", "op": "exists", "right": "", "join": "all"}
    press(alice, nested, "remove route:1", page="theirs", revision=str(nested.draft_revision))

    page = alice.post(f"/flows/{nested.pk}/save/", {"step": "route:1", "name": "G", **mine}, headers=HTMX)

    assert "removed this path" in page.content.decode()
    nested.refresh_from_db()
    assert nested.draft["steps"][0]["branches"] == [STEPS[0]["branches"][1]]
    press(alice, nested, "restore", step="route:1", name="G", **mine)
    assert [path["name"] for path in nested.draft["steps"][0]["branches"]] == ["France", "G"]


def test_the_form_of_a_branch_keeps_what_others_do_inside_it(alice: Client, nested: Flow) -> None:
    mine = base(nested, STEPS[0], "mine")
    press(alice, nested, "add set de", page="theirs", revision=str(nested.draft_revision))

    alice.post(f"/flows/{nested.pk}/save/", {"step": "route", "name": "By country", **mine}, headers=HTMX)

    nested.refresh_from_db()
    assert nested.draft["steps"][0]["name"] == "By country"
    assert [step["id"] for step in nested.draft["steps"][0]["branches"][0]["steps"]] == ["de", "set"]


def test_the_number_of_a_path_on_an_old_page_moves_nothing(alice: Client, nested: Flow) -> None:
    old = str(nested.draft_revision)
    press(alice, nested, "up route:2", revision=old)
    former = nested.draft

    for command in ("remove route:1", "add set route:1", "move say route:2", "down route:1"):
        assert "Others have changed this flow" in press(alice, nested, command, revision=old)
        assert nested.draft == former


def test_faults_of_nested_steps_are_on_their_cards(alice: Client, nested: Flow) -> None:
    press(alice, nested, "save", step="de", form="1", **{"in.text": "{{ event."})

    page = press(alice, nested, "publish", step="trigger")

    assert f'href="/flows/{nested.pk}/?step=de&amp;check=1"' in page
    assert page.count("is-faulty") == 1


def test_a_path_without_a_condition_is_named_before_publishing(alice: Client, nested: Flow) -> None:
    press(alice, nested, "add path route")

    page = press(alice, nested, "publish", step="trigger")

    assert "every event takes this path" in page
    assert "?step=route%3A3" in page


def test_a_step_is_moved_to_a_chosen_place_without_scripts(alice: Client, nested: Flow) -> None:
    page = opened(alice, nested, "say", panel="move")
    assert "In “France”, first" in page
    assert "After “Loop”" in page

    press(alice, nested, "move say", step="say", place="route:2")

    assert [step["id"] for step in nested.draft["steps"][0]["branches"][1]["steps"]] == ["say"]


# Edit as text


def test_a_step_is_edited_as_text(alice: Client, nested: Flow) -> None:
    text = "id: greet\nkind: set\nvalues:\n  x: '1'\n"
    assert "&quot;inbox.post&quot;" in opened(alice, nested, "de", panel="text")

    page = press(alice, nested, "text", step="de", text=text)

    assert nested.draft["steps"][0]["branches"][0]["steps"] == [{"id": "greet", "kind": "set", "values": {"x": "1"}}]
    assert "No faults were found" in page
    press(alice, nested, "undo")
    assert nested.draft["steps"] == STEPS


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{", "not JSON"),
        ("[]", "must be one step"),
        ('{"kind": "set"}', "is missing"),
        ('{"id": "line", "kind": "set"}', "is the id of another step too"),
        ('{"id": "x", "kind": "loop", "steps": [{"id": "x", "kind": "set"}]}', "is the id of another step too"),
        ("a: " * 40_000 + "\n", "write it as JSON"),
        ("[" * 5_000, "levels deep"),
    ],
)
def test_a_text_that_is_no_step_is_kept_on_the_page(alice: Client, nested: Flow, text: str, why: str) -> None:
    page = press(alice, nested, "text", step="de", text=text)

    assert why in page
    assert 'aria-invalid="true"' in page
    assert text[:200].replace('"', "&quot;").strip() in page
    assert nested.draft["steps"] == STEPS


def test_faults_of_a_text_have_their_line(alice: Client, nested: Flow) -> None:
    wrong = {**STEPS[1], "steps": [{"id": "line", "kind": "set", "values": {"a": "1", "text": "{{ item."}}]}

    page = press(alice, nested, "text", step="each", text=json.dumps(wrong))

    lines = json.dumps(wrong, indent=2).split("\n")
    number = next(index for index, line in enumerate(lines, 1) if '"text"' in line)
    assert f"Line {number}:" in " ".join(page.split())
    assert "steps[0].values.text" in page


def test_the_whole_flow_is_edited_as_text(alice: Client, nested: Flow) -> None:
    changed = {**nested.draft, "name": "Renamed", "steps": STEPS[:1]}

    press(alice, nested, "text", step="flow", text=json.dumps(changed))
    assert (nested.name, len(nested.draft["steps"])) == ("Renamed", 1)
    assert "must be a flow document" in press(alice, nested, "text", step="flow", text='{"steps": 5}')

    press(alice, nested, "undo")
    assert nested.draft["steps"][:1] == STEPS[:1]


# The clipboard


def test_a_step_is_pasted_into_another_flow_under_ids_of_its_own(alice: Client, nested: Flow, flow: Flow) -> None:
    flow_lifecycle.save_draft(flow, {**flow.draft, "steps": [{"id": "line", "kind": "set", "values": {}}]})
    press(alice, nested, "copy each")
    assert "Paste “Loop”" in opened(alice, flow, "trigger", panel="add", place="line")

    press(alice, flow, "paste line")

    loop = flow.draft["steps"][1]
    assert [step["id"] for step in loop["steps"]] == ["line_2", "say"]
    assert loop["steps"][1]["inputs"]["text"] == "{{ steps.line_2.text }}"


def test_what_a_pasted_step_lacks_is_said(alice: Client, nested: Flow) -> None:
    piece = {
        "id": "p",
        "kind": "action",
        "action": "slack.post_message",
        "connection": "Team",
        "inputs": {"text": "{{ steps.gone.x }} {{ constants.c }} {{ vars.v }}"},
    }

    page = press(alice, nested, "paste route:else", piece=json.dumps([piece]))

    for name in ("the step gone", "the constant c", "the variable v", "the connection “Team”"):
        assert name in page
    assert [step["id"] for step in nested.draft["steps"][0]["else"]] == ["p"]


@pytest.mark.parametrize("piece", ["{", "7", "[]", "[1]", '{"steps": 5}', '[{"id": "x"}]', "- [", '{"kind": 7}'])
def test_a_text_that_is_no_piece_is_not_pasted(alice: Client, nested: Flow, piece: str) -> None:
    page = press(alice, nested, "paste route:else", piece=piece)

    assert 'aria-invalid="true"' in page
    assert nested.draft["steps"] == STEPS


# Who may


def test_a_viewer_reads_nested_steps_and_is_offered_no_edit(nested: Flow) -> None:
    user = User.objects.create_user("vera@example.com", "correct horse battery")
    Membership.objects.create(workspace=nested.workspace, user=user, role=Role.VIEWER)
    vera = Browser()
    vera.force_login(user)

    for address in ("route", "route:1", "de", "say"):
        page = opened(vera, nested, address)
        assert "Germany" in page
        assert 'fieldset class="plain" disabled' in page
        for offer in ("data-drag", "Add a step", "Add a path", 'value="remove', "Move to…", 'name="do" value="up'):
            assert offer not in page
    assert vera.post(f"/flows/{nested.pk}/edit/", {"do": "remove de", "step": "de"}).status_code == 403


@pytest.mark.parametrize(
    "query",
    [
        {"panel": "add", "place": "gone"},
        {"panel": "add", "place": "<b>:1"},
        {"panel": "move"},
        {"panel": "text"},
        {"panel": "\x00", "place": "\x00"},
    ],
)
@pytest.mark.parametrize("address", ["trigger", "flow", "route:1", "route:9", "de", "say[0][1].x"])
def test_an_odd_address_shows_the_editor(alice: Client, nested: Flow, address: str, query: dict[str, str]) -> None:
    assert alice.get(f"/flows/{nested.pk}/", {"step": address, **query}).status_code == 200


def test_the_page_of_a_large_flow_has_few_queries(
    alice: Client, nested: Flow, django_assert_max_num_queries: Any
) -> None:
    sample_events.send_sample(nested, EVENT)
    many = [{"id": f"s{number}", "kind": "set", "values": {}} for number in range(80)]
    flow_lifecycle.save_draft(nested, {**nested.draft, "steps": [*STEPS, *many]})

    with django_assert_max_num_queries(19):
        alice.get(f"/flows/{nested.pk}/", {"step": "say"})
