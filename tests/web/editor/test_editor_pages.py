"""Tests of the editor: its buttons, saves and previews, with htmx and without scripts."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from relay.engine.configuration import connections, flow_lifecycle, samples
from relay.engine.intake import sample_events
from relay.engine.preview import last_answers, render_client
from relay.flows import nesting
from relay.models import Attempt, Flow, Run, Workspace
from relay.web.editor.editor_commands import with_default
from relay.web.editor.steps import pieces

HTMX = {"HX-Request": "true"}
RULE = {"left": "{{ event.body.total }}", "op": "greater_than", "right": "20", "join": "all"}


@pytest.fixture
def draft(alices: tuple[Client, Workspace]) -> Flow:
    document = {"relay": 1, "name": "New", "trigger": {"kind": "webhook"}, "steps": []}
    return flow_lifecycle.create_flow(alices[1], document)


def press(client: Client, flow: Flow, do: str, *, step: str = "trigger", **form: Any) -> str:
    """Press a button without scripts, and return the page that follows."""
    sent = {"do": do, "step": step, **form}
    answer = client.post(f"/flows/{flow.pk}/edit/", sent, follow=True)
    assert answer.status_code == 200
    flow.refresh_from_db()
    return answer.content.decode()


def steps(flow: Flow) -> list[dict[str, Any]]:
    draft_steps: list[dict[str, Any]] = flow.draft["steps"]
    return draft_steps


def test_a_flow_is_built_and_published_without_any_script(alice: Client, draft: Flow) -> None:
    press(alice, draft, "add filter trigger")
    press(alice, draft, "add action filter", step="filter", form="1", **RULE)
    press(alice, draft, "choose inbox.post", step="action")
    page = press(alice, draft, "publish", step="inbox", form="1", **{"in.text": "Order {{ event.body.id }}"})

    assert "Version 1 is live" in page
    assert draft.live_version is not None
    assert draft.live_version.document["steps"] == [
        {
            "id": "filter",
            "kind": "filter",
            "when": {"all": [{"left": RULE["left"], "op": "greater_than", "right": "20"}]},
        },
        {
            "id": "inbox",
            "kind": "action",
            "action": "inbox.post",
            "inputs": {"text": "Order {{ event.body.id }}"},
        },
    ]


def test_faults_that_prevent_publishing_are_listed_with_their_step(alice: Client, draft: Flow) -> None:
    press(alice, draft, "add action trigger")
    page = press(alice, draft, "choose slack.post_message", step="action")
    page = press(alice, draft, "publish", step="slack", form="1", **{"in.text": "{{ event."})

    assert "can&#x27;t be published yet" in page
    assert f'href="/flows/{draft.pk}/?step=slack&amp;check=1"' in page
    assert "inputs.text" in page
    assert draft.live_version is None


def test_the_only_connection_is_chosen_by_itself(alice: Client, draft: Flow) -> None:
    values = {"webhook_url": "https://hooks.slack.com/services/T0/B0/abc"}
    connections.set_connection(draft.workspace, "Team", "slack", values)
    press(alice, draft, "add action trigger")

    press(alice, draft, "choose slack.post_message", step="action")

    assert steps(draft)[0]["connection"] == "Team"


def test_steps_are_moved_duplicated_and_removed(alice: Client, flow: Flow) -> None:
    press(alice, flow, "down big")
    assert [step["id"] for step in steps(flow)] == ["tell", "big"]

    press(alice, flow, "duplicate tell")
    assert [step["id"] for step in steps(flow)] == ["tell", "tell_2", "big"]

    press(alice, flow, "switch tell_2")
    assert steps(flow)[1]["disabled"] is True

    press(alice, flow, "remove tell_2")
    assert [step["id"] for step in steps(flow)] == ["tell", "big"]


def test_a_copy_of_thousands_of_nested_steps_gets_an_id_for_each() -> None:
    inside = [{"id": "same", "kind": "set", "values": {}} for _ in range(5_000)]
    document = {"steps": [{"id": "l", "kind": "loop", "steps": inside}]}
    copied = copy.deepcopy(document["steps"])

    pieces.rename(document, copied)

    ids = {step["id"] for step, _ in nesting.every(copied)}
    assert len(ids) == 5_001
    assert not ids & {"l", "same"}


def test_removing_a_step_can_be_undone(alice: Client, flow: Flow) -> None:
    former = flow.draft
    page = press(alice, flow, "remove tell", step="tell")
    assert ">Undo</button>" in page

    press(alice, flow, "undo")

    assert flow.draft == former
    assert "nothing left to undo" in press(alice, flow, "undo")


def test_a_draft_is_discarded(alice: Client, flow: Flow) -> None:
    live = flow.draft
    page = press(alice, flow, "add set trigger")
    assert "Discard draft" in page

    press(alice, flow, "discard")

    assert flow.draft == live


def test_rows_are_added_and_removed(alice: Client, flow: Flow) -> None:
    press(alice, flow, "more rule", step="big", form="1", **RULE)
    assert len(steps(flow)[0]["when"]["all"]) == 2

    two = {"left": ["a", "b"], "op": ["exists", "exists"], "right": ["", ""], "join": "any"}
    press(alice, flow, "drop rule 0", step="big", form="1", **two)

    assert steps(flow)[0]["when"] == {"any": [{"left": "b", "op": "exists"}]}


def test_a_missing_name_gets_a_default(alice: Client, flow: Flow) -> None:
    sample_events.send_sample(flow, b'{"id": 1, "total": 30}')
    form = {"in.text": "Hi {{ event.body.name }}!", "form": "1"}
    assert "Add a default" in press(alice, flow, "save", step="tell", **form)

    press(alice, flow, "default in.text ", step="tell", **form)

    assert steps(flow)[1]["inputs"]["text"] == "Hi {{ event.body.name | default('') }}!"


@pytest.mark.parametrize(
    ("source", "path", "changed"),
    [
        ("{{ a.b }}", "a.b", "{{ a.b | default('') }}"),
        ("{{ a.b | upper }} {{ a.bc }}", "a.b", "{{ a.b | default('') | upper }} {{ a.bc }}"),
        ("{{ a.b + 1 }}", "a.b", "{{ a.b | default('') + 1 }}"),
    ],
)
def test_a_default_stands_right_after_the_name(source: str, path: str, changed: str) -> None:
    assert with_default(source, path) == changed


@pytest.mark.parametrize(
    "do",
    [
        "what",
        "add",
        "add bench trigger",
        "choose",
        "choose no.such",
        "up",
        "up gone",
        "drop rule 99999999999999999999",
        "drop rule -1",
        "drop \x00 ²",
        "default",
        "default in.text 7",
        "remove gone",
        "duplicate gone",
        "undo",
        "x" * 5_000,
    ],
)
def test_an_unknown_command_changes_nothing(alice: Client, flow: Flow, do: str) -> None:
    former = steps(flow)

    press(alice, flow, do, step="tell")

    assert steps(flow) == former


@pytest.mark.parametrize(
    "form",
    [{"left": [""] * 200}, {"values.key": ["a"] * 200}, {"name": "\x00" * 9, "values.key": "\x00", "op": "what"}],
)
def test_hostile_forms_are_refused_or_cleaned(alice: Client, draft: Flow, form: dict[str, Any]) -> None:
    press(alice, draft, "add filter trigger")
    press(alice, draft, "add set filter")

    for step in ("filter", "set"):
        press(alice, draft, "save", step=step, form="1", **form)

    assert len(steps(draft)) == 2


def test_saving_by_htmx_shows_what_changed(alice: Client, flow: Flow) -> None:
    sample_events.send_sample(flow)
    sent = {"step": "tell", "form": "1", "name": "Say it", "in.text": "Order {{ event.body.id }}!"}

    answer = alice.post(f"/flows/{flow.pk}/save/", sent, headers=HTMX)

    flow.refresh_from_db()
    assert steps(flow)[1]["name"] == "Say it"
    page = answer.content.decode()
    assert "Order 1001!" in page
    assert "Saved" in page
    assert "Say it" in page


def test_a_preview_saves_nothing(alice: Client, flow: Flow) -> None:
    sample_events.send_sample(flow)
    former = flow.draft

    page = alice.post(
        f"/flows/{flow.pk}/preview/", {"step": "tell", "form": "1", "in.text": "{{ event.body.total"}, headers=HTMX
    ).content.decode()

    flow.refresh_from_db()
    assert flow.draft == former
    assert 'data-fault="1"' in page
    assert "line 1" in page


@pytest.mark.parametrize("text", [r"{{ '\ud800' }}", r"{{ {'a': '\udfff'} }}", r"{{ '\ud800' | nope }}"])
def test_a_preview_shows_half_of_a_surrogate_pair(text: str, alice: Client, flow: Flow) -> None:
    sample_events.send_sample(flow)

    answer = alice.post(f"/flows/{flow.pk}/preview/", {"step": "tell", "form": "1", "in.text": text}, headers=HTMX)

    assert answer.status_code == 200
    assert "\ufffd" in answer.content.decode() or "nope" in answer.content.decode()


@pytest.mark.parametrize("step", ["trigger", "flow", "big", "tell", "gone", "\x00", "<b>"])
def test_every_card_opens(alice: Client, flow: Flow, step: str) -> None:
    sample_events.send_sample(flow)

    for query in ({}, {"check": "1"}, {"pick": "1"}):
        answer = alice.get(f"/flows/{flow.pk}/", {"step": step, **query})

        assert answer.status_code == 200


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"steps": None, "trigger": []},
        {"steps": [1, {"kind": "loop"}, {"id": [], "kind": []}, {"id": "a", "kind": "action", "inputs": 5}]},
        {"steps": [{"id": "f", "kind": "filter", "when": {"all": [{"left": {}, "op": []}]}}]},
        {"steps": [{"id": "s", "kind": "set", "values": [1]}, {"id": "s", "kind": "set", "values": {"": None}}]},
        {"steps": [{"id": "h", "kind": "action", "action": "http.request", "inputs": {"body": 3, "headers": "x"}}]},
        {"trigger": {"kind": "webhook", "methods": "GET", "response": 7}, "steps": [], "title": 4, "name": 5},
    ],
)
def test_an_odd_draft_can_be_opened_and_saved(alices: tuple[Client, Workspace], document: dict[str, Any]) -> None:
    flow = flow_lifecycle.create_flow(alices[1], document)
    sample_events.send_sample(flow)
    names = [step.get("id") for step in document.get("steps") or () if isinstance(step, dict)]

    for step in map(str, ("trigger", "flow", *names, "loop", "step")):
        assert alices[0].get(f"/flows/{flow.pk}/", {"step": step, "check": "1"}).status_code == 200
        press(alices[0], flow, "save", step=step, form="1")


def test_the_first_event_appears_on_the_page(alice: Client, draft: Flow) -> None:
    address = f"/flows/{draft.pk}/arrivals/"
    assert "Waiting for the first event" in alice.get(f"/flows/{draft.pk}/").content.decode()
    assert alice.get(address, {"after": ""}, headers=HTMX).status_code == 204

    sample_events.send_sample(draft, b'{"odd key": {"x\'y": 1}}')

    answer = alice.get(address, {"after": ""}, headers=HTMX)
    assert "arrived" in answer["HX-Trigger"]
    assert "event.body[&#x27;odd key&#x27;][&#x27;x\\&#x27;y&#x27;]" in answer.content.decode()


def test_later_events_are_counted_and_do_not_replace_the_chosen_one(alice: Client, draft: Flow) -> None:
    first, *later = [sample_events.send_sample(draft, b'{"id": %d}' % number) for number in range(4)]
    chosen = {"after": first.ref, "sample": f"event:{first.ref}", "step": "trigger"}

    answer = alice.get(f"/flows/{draft.pk}/arrivals/", chosen, headers=HTMX)
    page = alice.get(f"/flows/{draft.pk}/", {"sample": f"event:{first.ref}"}).content.decode()

    assert "3 newer events" in answer.content.decode()
    assert f"sample=event%3A{later[-1].ref}" in answer.content.decode()
    assert alice.get(f"/flows/{draft.pk}/arrivals/", {**chosen, "after": later[-1].ref}).status_code == 204
    assert f'value="event:{first.ref}" selected' in " ".join(page.split())


@pytest.mark.parametrize("chosen", ["sample:0", "sample:" + "9" * 30, "event:zzz", "event:\0", "'><script>", "flow:1"])
def test_a_choice_that_does_not_exist_is_the_default(alice: Client, draft: Flow, chosen: str) -> None:
    event = sample_events.send_sample(draft, b'{"id": 1}')

    for address in ("", "data/"):
        answer = alice.get(f"/flows/{draft.pk}/{address}", {"sample": chosen}, headers=HTMX)
        assert f'value="event:{event.ref}" selected' in " ".join(answer.content.decode().split())
    assert alice.get(f"/flows/{draft.pk}/data/", {"sample": chosen, "find": chosen}, headers=HTMX).status_code == 200


def test_events_and_samples_of_other_flows_cannot_be_chosen(alice: Client, flow: Flow, draft: Flow) -> None:
    event = sample_events.send_sample(flow, b'{"id": "of the other flow"}')
    sample = samples.from_run(event.runs.get())

    for chosen in (f"event:{event.ref}", f"sample:{sample.pk}"):
        page = alice.get(f"/flows/{draft.pk}/", {"sample": chosen}).content.decode()
        assert "of the other flow" not in page


def test_answers_are_those_of_the_chosen_event(alice: Client, flow: Flow) -> None:
    """A replay that failed does not take the answers away from an event that succeeded before."""
    event = sample_events.send_sample(flow, b'{"id": 7, "total": 30}')
    good = event.runs.get()
    attempt = {"step": "tell", "number": 1, "state": "succeeded", "started_at": timezone.now(), "duration_us": 1}
    answer = {"status": 200, "headers": {}, "body": '{"parcel": 11784}'}
    Attempt.objects.create(run=good, answer=answer, **attempt)
    Run.objects.filter(pk=good.pk).update(state="succeeded", due_at=None)
    failed = Run.objects.create(flow=flow, event=event, workspace=flow.workspace, version=good.version, state="failed")

    other = sample_events.send_sample(flow, b'{"id": 8}')

    assert last_answers.source(flow, event.pk) == good != failed
    assert last_answers.source(flow, other.pk) == other.runs.get()
    assert last_answers.source(flow) == good
    assert "tell" in last_answers.records(flow, event.pk)


def test_the_editor_has_a_query_budget(alice: Client, flow: Flow, django_assert_max_num_queries: Any) -> None:
    for _ in range(3):
        sample_events.send_sample(flow)

    with django_assert_max_num_queries(19):
        alice.get(f"/flows/{flow.pk}/", {"step": "tell"})


def test_outputs_of_earlier_steps_are_rendered_once(alice: Client, flow: Flow, monkeypatch: pytest.MonkeyPatch) -> None:
    sample_events.send_sample(flow, b'{"id": 7, "total": 30}')
    sets = [
        {"id": f"s{n}", "kind": "set", "values": {"v": f"{{{{ event.body.id }}}}-{n}", "w": "{{ 1 +"}}
        for n in range(20)
    ]
    flow_lifecycle.save_draft(flow, {**flow.draft, "steps": [*sets, *flow.draft["steps"]]})
    questions: list[dict[str, Any]] = []
    real = render_client.ask

    def recorded(question: dict[str, Any], *, workspace: int) -> dict[str, Any]:
        questions.append(question)
        return real(question, workspace=workspace)

    monkeypatch.setattr(render_client, "ask", recorded)

    page = alice.get(f"/flows/{flow.pk}/?step=tell").content.decode()

    assert "7-19" in page
    assert 'data-insert="steps.s0.v"' in page
    assert 'data-insert="steps.s0.w"' not in page
    assert len(questions) == 2  # the open step, and the steps before it


def test_services_with_a_connection_are_offered_before_the_others(alice: Client, draft: Flow) -> None:
    connections.set_connection(
        draft.workspace, "Team", "slack", {"webhook_url": "https://hooks.slack.com/services/T/B/X"}
    )

    page = press(alice, draft, "add action trigger")

    places = [page.index(f"<h3>{label}</h3>") for label in ("Built-in inbox", "HTTP", "Slack", "Asana", "Zendesk")]
    assert places == sorted(places)
    assert page.count("Connected</p>") == 1
