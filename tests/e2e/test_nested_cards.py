"""Branches, loops and error steps, built by clicks, moved by pointer and keys, in a real browser."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from relay.engine.configuration import flow_lifecycle
from relay.engine.intake import sample_events
from relay.models import Flow, Membership, Role, User, Workspace
from tests.e2e.test_first_flow import EMAIL, PASSWORD

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.exhaustive]  # it takes long

EVENT = b'{"id": 7, "country": "FR", "items": [{"title": "Pen", "quantity": 2}, {"title": "Ink", "quantity": 9}]}'


@pytest.fixture(autouse=True, scope="module")
def _loop_in_this_thread() -> Iterator[None]:
    """Playwright runs an event loop in the thread of the tests, where Django then refuses its database."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
        yield


@pytest.fixture
def flow(workspace: Workspace) -> Flow:
    user = User.objects.create_user(EMAIL, PASSWORD)
    Membership.objects.create(workspace=workspace, user=user, role=Role.OWNER)
    document = {"relay": 1, "name": "Orders", "trigger": {"kind": "webhook"}, "steps": []}
    made = flow_lifecycle.create_flow(workspace, document)
    sample_events.send_sample(made, EVENT)
    return made


@pytest.fixture
def editor(flow: Flow, live_server: object, page: Page) -> Page:
    page.goto(f"{live_server}/sign-in/")
    page.get_by_label("E-mail address").fill(EMAIL)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_role("heading", name="Flows")).to_be_visible()
    page.goto(f"{live_server}/flows/{flow.pk}/")
    return page


def steps(flow: Flow) -> list[dict[str, Any]]:
    flow.refresh_from_db()
    found: list[dict[str, Any]] = flow.draft["steps"]
    return found


def is_saved(page: Page) -> None:
    expect(page.locator("#saved")).to_contain_text(re.compile(r"^\s*Saved"), timeout=30_000)


def add(page: Page, where: str, kind: str) -> None:
    """Press + at a place, then the kind of step."""
    page.locator(f"#cards [data-place='{where}'] .add-dot").click()
    page.get_by_role("button", name=re.compile(f"^{kind} ")).click()
    expect(page.locator("#form-title")).to_be_focused()


def add_path(page: Page) -> None:
    page.get_by_role("button", name="Add a path").click()
    expect(page.locator("#form-title")).to_be_focused()


def insert(page: Page, field: str, value: str) -> None:
    """Click into a field of the form, then on a value in Data."""
    page.locator("#form").get_by_label(field).click()
    page.locator("#data").get_by_role("button", name=re.compile(f"^{value} ")).first.click()


def post_a_message(page: Page, text: str) -> None:
    page.locator("#form").get_by_role("button", name="Post a message").first.click()
    page.locator("[name='in.text']").fill(text)
    is_saved(page)


def fill_path(page: Page, name: str, country: str) -> None:
    page.get_by_label("Name of this path").fill(name)
    insert(page, "Value 1", "country")
    page.get_by_label("Compared with 1").fill(country)
    expect(page.locator("#cards .group-head.is-open .card-sum")).to_have_text(f"country is {country}")
    is_saved(page)


def test_a_branch_a_loop_and_error_steps_are_built_by_clicks(editor: Page, flow: Flow) -> None:
    add(editor, "trigger", "Branch")
    editor.locator("#card-branch-1").click()
    expect(editor.locator("#card-branch-1")).to_be_focused()
    fill_path(editor, "Germany", "DE")
    expect(editor.get_by_text("This event would not match")).to_be_visible()
    editor.get_by_role("button", name="Add a row").click()
    expect(editor.get_by_label("Value 2")).to_be_focused()
    editor.get_by_role("button", name="Remove row 2").click()
    expect(editor.get_by_role("button", name="Add a row")).to_be_focused()
    add_path(editor)
    fill_path(editor, "France", "FR")
    expect(editor.get_by_text("This event would match")).to_be_visible()
    add_path(editor)
    fill_path(editor, "Spain", "ES")
    add(editor, "branch:1", "Action")
    post_a_message(editor, "Bestellung")
    add(editor, "branch:else", "Set values")

    editor.locator("#more-inbox").click()
    editor.get_by_role("button", name="Add steps for a failure").click()
    add(editor, "inbox:error_steps", "Set values")
    editor.get_by_label("Name 1").fill("why")
    insert(editor, "Value 1", "error")
    is_saved(editor)

    add(editor, "branch", "Loop")
    editor.locator("[name='k.over']").fill("{{ event.body.items }}")
    expect(editor.locator("#words-loop-steps")).to_have_text("For each of items (2 in this event)")
    add(editor, "loop:steps", "Action")
    editor.locator("#form").get_by_role("button", name="Post a message").first.click()
    first = editor.locator("#data .tree summary").first
    expect(first).to_contain_text("item")
    insert(editor, "Message", "title")
    expect(editor.locator("#would")).to_contain_text("Pen")
    is_saved(editor)

    branch, loop = steps(flow)
    assert [(path["name"], path["when"]["all"][0]["right"]) for path in branch["branches"]] == [
        ("Germany", "DE"),
        ("France", "FR"),
        ("Spain", "ES"),
    ]
    (action,) = branch["branches"][0]["steps"]
    assert (action["on_error"], action["error_steps"][0]["values"]) == ("branch", {"why": "{{ steps.inbox.error }}"})
    assert [step["kind"] for step in branch["else"]] == ["set"]
    assert loop["steps"][0]["inputs"]["text"] == "{{ item.title }}"


NESTED: list[dict[str, Any]] = [
    {"id": "a", "kind": "set", "name": "First", "values": {}},
    {
        "id": "route",
        "kind": "branch",
        "branches": [{"name": "Germany", "when": {"all": []}, "steps": []}],
        "else": [{"id": "b", "kind": "set", "name": "Second", "values": {}}],
    },
]


def ids(flow: Flow) -> tuple[list[str], list[str], list[str]]:
    """The ids of the flow's own steps, of those in the path, and of those in Otherwise."""
    own = steps(flow)
    branch = next(step for step in own if step["kind"] == "branch")
    lists = (own, branch["branches"][0]["steps"], branch["else"])
    return tuple([step["id"] for step in steps] for steps in lists)  # type: ignore[return-value]


def test_a_card_is_dragged_into_a_path_and_the_move_undone(editor: Page, flow: Flow) -> None:
    flow_lifecycle.save_draft(flow, {**flow.draft, "steps": NESTED})
    editor.reload()
    handle, target = editor.locator("[data-drag='a']"), editor.locator("[data-place='route:1']")

    handle.hover()
    editor.mouse.down()
    box = target.bounding_box()
    assert box
    editor.mouse.move(box["x"] + 20, box["y"] + box["height"] / 2, steps=8)
    expect(target).to_have_class(re.compile("is-target"))
    editor.mouse.up()

    expect(editor.locator(".undo")).to_contain_text("“First” moved.")
    assert ids(flow) == (["route"], ["a"], ["b"])
    editor.locator(".undo").get_by_role("button", name="Undo").click()
    expect(editor.locator("#cards > ol > li")).to_have_count(2)
    assert ids(flow) == (["a", "route"], [], ["b"])


def test_a_card_is_dragged_by_touch_on_a_phone(editor: Page, flow: Flow) -> None:
    flow_lifecycle.save_draft(flow, {**flow.draft, "steps": NESTED})
    editor.set_viewport_size({"width": 360, "height": 740})
    devtools = editor.context.new_cdp_session(editor)
    devtools.send("Emulation.setTouchEmulationEnabled", {"enabled": True})
    editor.reload()
    start = editor.locator("[data-drag='a']").bounding_box()
    target = editor.locator("[data-place='route:1']").bounding_box()
    assert start
    assert target
    x, y = start["x"] + 16, start["y"] + 16
    down = target["y"] + target["height"] / 2 - y

    def touch(kind: str, *points: dict[str, float]) -> None:
        devtools.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": list(points)})

    touch("touchStart", {"x": x, "y": y})
    for part in (0.25, 0.5, 0.75, 1):
        touch("touchMove", {"x": x + 10, "y": y + down * part})
    expect(editor.locator("[data-place='route:1']")).to_have_class(re.compile("is-target"))
    touch("touchEnd")

    expect(editor.locator(".undo")).to_contain_text("“First” moved.")
    assert ids(flow) == (["route"], ["a"], ["b"])
    assert editor.evaluate("document.documentElement.scrollWidth") == 360


def test_a_card_is_moved_by_keys_and_keeps_the_focus(editor: Page, flow: Flow) -> None:
    flow_lifecycle.save_draft(flow, {**flow.draft, "steps": NESTED})
    editor.reload()
    editor.locator("#card-b").focus()

    for key, said, expected in (
        ("Alt+ArrowLeft", "moved out of its group", (["a", "route", "b"], [], [])),
        ("Alt+ArrowRight", "moved into the group above", (["a", "route"], [], ["b"])),
        ("Alt+ArrowLeft", "moved out of its group", (["a", "route", "b"], [], [])),
        ("Alt+ArrowUp", "moved up", (["a", "b", "route"], [], [])),
    ):
        editor.keyboard.press(key)
        expect(editor.locator("p[role=status]").filter(has_text=f"“Second” {said}.")).to_be_attached()
        expect(editor.locator("#card-b")).to_be_focused()
        assert ids(flow) == expected
