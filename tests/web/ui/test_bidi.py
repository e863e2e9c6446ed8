"""Tests that bidirectional control characters are marked in the text of pages, and unchanged in form fields."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from relay.engine.configuration import flow_lifecycle
from relay.models import Workspace
from relay.web.ui.bidi import mark_controls

RLO = "\u202e"
MARK = f'<bdi class="turner" data-is="U+202E">{RLO}</bdi>'


@pytest.mark.parametrize(
    ("page", "after"),
    [
        (f"<p>a{RLO}b</p>", f"<p>a{MARK}b</p>"),
        (f"<p>{RLO}{RLO}</p>", f"<p>{MARK}{MARK}</p>"),
        (f'<p title="{RLO}">a</p>', f'<p title="{RLO}">a</p>'),
        (f'<input value="{RLO}">{RLO}', f'<input value="{RLO}">{MARK}'),
        (f"<textarea>a{RLO}</textarea>{RLO}", f"<textarea>a{RLO}</textarea>{MARK}"),
        (f"<TITLE>{RLO}</TITLE>", f"<TITLE>{RLO}</TITLE>"),
        (f"<option selected>{RLO}</option>", f"<option selected>{RLO}</option>"),
        ("<p>\u0627\u200f\u200e\u061c</p>", "<p>\u0627\u200f\u200e\u061c</p>"),
        (f"<textarea>&lt;/textarea&gt;{RLO}</textarea>", f"<textarea>&lt;/textarea&gt;{RLO}</textarea>"),
    ],
)
def test_controls_are_marked_where_people_read_them(page: str, after: str) -> None:
    assert mark_controls(page) == after


@pytest.mark.parametrize("letter", "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
def test_every_control_is_marked(letter: str) -> None:
    assert mark_controls(letter) == f'<bdi class="turner" data-is="U+{ord(letter):04X}">{letter}</bdi>'


def test_a_page_marks_them_and_its_forms_keep_them(alices: tuple[Client, Workspace]) -> None:
    alice, workspace = alices
    flow = flow_lifecycle.create_flow(workspace, {"name": f"invoice{RLO}gnp.exe"})

    answer = alice.get(reverse("flows"))
    edited = alice.get(f"{reverse('flow', args=(flow.pk,))}?step=flow").content.decode()

    assert f"invoice{MARK}gnp.exe" in answer.content.decode()
    assert int(answer["Content-Length"]) == len(answer.content)
    assert f'value="invoice{RLO}gnp.exe"' in edited
