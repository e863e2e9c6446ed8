"""Tests checks of URLs that send nothing."""

import threading

from relay.outbound import Sender


def test_a_public_name_is_allowed_with_its_addresses(names, dialled) -> None:
    names.known["h.example"] = ["11.0.0.1", "2606::1"]

    found = Sender().check("https://h.example/a", timeout=5)

    assert (found.url, found.allowed, found.reason) == ("https://h.example/a", True, "")
    assert found.addresses == ("11.0.0.1", "2606::1")
    assert not dialled.addresses


def test_a_refused_name_says_why_and_shows_its_addresses(names) -> None:
    names.known["h.example"] = ["11.0.0.1", "10.0.0.1"]

    for url in ("http://h.example/", "http://h.example:6379/"):
        found = Sender().check(url, timeout=5)

        assert not found.allowed
        assert "h.example leads to a private" in found.reason
        assert found.addresses == ("11.0.0.1", "10.0.0.1")


def test_an_unreadable_url_has_no_addresses(names) -> None:
    found = Sender().check("http://127.0.0.1\\@good.example/", timeout=5)

    assert (found.allowed, found.addresses, names.asked) == (False, (), [])
    assert "backslash" in found.reason


def test_a_name_that_is_never_answered_is_given_up(names) -> None:
    answered = threading.Event()
    names.before = lambda: answered.wait(5)

    found = Sender().check("http://h.example/", timeout=0.05)
    answered.set()

    assert not found.allowed
    assert "took too long" in found.reason


def test_what_is_called_in_place_is_judged() -> None:
    sender = Sender((), {"https://api.trello.com": "http://127.0.0.1:4010"})

    assert "127.0.0.1 leads to a private" in sender.check("https://api.trello.com/1", timeout=5).reason
