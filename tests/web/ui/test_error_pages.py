"""Tests of the error pages, and of static files served without a warning."""

from __future__ import annotations

from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.contrib.staticfiles import finders
from django.test import AsyncClient, Client, RequestFactory

from relay.web.ui import error_pages
from relay.web.ui.middleware import StaticFilesMiddleware


@pytest.mark.parametrize(
    "address", ["/nothing/", "/runs/x/", "/runs/zzzzzzzzzzzzz/", "/flows/0/", "/flows/" + "9" * 30 + "/"]
)
def test_an_unknown_address_has_an_error_page(alice: Client, address: str) -> None:
    answer = alice.get(address)

    assert answer.status_code == 404
    assert "There is nothing here" in answer.content.decode()


@pytest.mark.parametrize(
    ("page", "status"),
    [
        (error_pages.broken, 500),
        (error_pages.csrf_failure, 403),
        (error_pages.bad_request, 400),
        (error_pages.forbidden, 403),
    ],
)
def test_every_error_page_has_the_style_sheet(rf: RequestFactory, page: object, status: int) -> None:
    answer = page(rf.get("/"))  # type: ignore[operator]

    assert answer.status_code == status
    assert "/static/base.css" in answer.content.decode()


@pytest.mark.parametrize("address", ["/sign-out/", "/flows/1/save/"])
def test_a_post_only_address_explains_itself(alice: Client, address: str) -> None:
    answer = alice.get(address)

    assert answer.status_code == 405
    assert answer["Allow"] == "POST"
    assert "There is no page here" in answer.content.decode()
    assert "frame-ancestors 'none'" in answer["Content-Security-Policy"]


def test_pages_hold_no_inline_script_or_style(alice: Client) -> None:
    for address in ("/flows/", "/runs/", "/inbox/", "/connections/", "/flows/new/"):
        page = alice.get(address).content.decode()

        assert "<style" not in page
        assert " style=" not in page
        assert " onclick=" not in page
        assert all("src=" in tag for tag in page.split("<script")[1:])


@pytest.mark.filterwarnings("error")
def test_static_files_are_served_whole(settings: Any) -> None:
    ours = "relay.web.ui.middleware.StaticFilesMiddleware"
    settings.MIDDLEWARE = [ours if "whitenoise" in name else name for name in settings.MIDDLEWARE]

    answer = async_to_sync(AsyncClient().get)("/static/base.css")

    assert answer.status_code == 200
    assert not answer.streaming
    assert answer["Content-Type"].startswith("text/css")
    assert answer["ETag"]


def test_part_of_a_static_file(rf: RequestFactory) -> None:
    middleware = StaticFilesMiddleware(lambda request: None)
    path = finders.find("base.css")
    assert isinstance(path, str)

    part = middleware(rf.get("/static/base.css", headers={"Range": "bytes=0-3"}))
    head = middleware(rf.head("/static/base.css"))
    known = middleware(rf.get("/static/base.css", headers={"If-None-Match": head["ETag"]}))

    assert (part.status_code, len(part.content)) == (206, 4)
    assert (head.status_code, head.content) == (200, b"")
    assert (known.status_code, known.content) == (304, b"")
