"""The host of its own that ingest may have: which settings are taken, and which host a request names."""

from __future__ import annotations

import pytest

from relay import origins

PAGES = "https://relay.example.com"


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("", ""),
        (" ", ""),
        ("https://hooks.example.com", "https://hooks.example.com"),
        ("https://hooks.example.com/", "https://hooks.example.com"),
        (" HTTPS://Hooks.Example.com:8443 ", "https://hooks.example.com:8443"),
        ("https://hooks.example.com:443", "https://hooks.example.com"),
        ("https://Höoks.example.com", "https://xn--hoks-5qa.example.com"),
        ("http://192.0.2.7:8000", "http://192.0.2.7:8000"),
        ("http://[2001:db8::7]:8000", "http://[2001:db8::7]:8000"),
    ],
)
def test_what_ingest_may_be_called(text: str, url: str) -> None:
    assert origins.ingest_url(text, public_url=PAGES) == url


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("hooks.example.com", "a scheme and a host"),
        ("//hooks.example.com", "a scheme and a host"),
        ("ftp://hooks.example.com", "a scheme and a host"),
        ("https://", "a scheme and a host"),
        ("https://hooks.example.com/in/", "a scheme and a host"),
        ("https://hooks.example.com?x", "a scheme and a host"),
        ("https://hooks.example.com#x", "a scheme and a host"),
        ("https://ann:hunter22@hooks.example.com", "a scheme and a host"),
        ("https://hooks.example.com:0", "a scheme and a host"),
        ("https://hooks.example.com:many", "a scheme and a host"),
        ("https://hooks example.com", "a scheme and a host"),
        ("https://*.example.com", "a scheme and a host"),
        ("https://a.example.com,https://b.example.com", "a scheme and a host"),
        ("https://relay.example.com", "another host than the pages"),
        ("https://RELAY.example.com.", "another host than the pages"),
        ("http://relay.example.com:8443", "another host than the pages"),
        ("http://localhost:8000", "another host than the pages"),
        ("http://127.0.0.1", "another host than the pages"),
        ("http://[::1]:8000", "another host than the pages"),
    ],
)
def test_what_ingest_may_not_be_called(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=r"^RELAY_INGEST_URL must") as found:
        origins.ingest_url(text, public_url=PAGES)

    assert said in str(found.value)
    assert "hunter22" not in str(found.value)


@pytest.mark.parametrize(
    ("header", "host"),
    [
        ("hooks.example.com", "hooks.example.com"),
        ("Hooks.Example.COM:443", "hooks.example.com"),
        ("hooks.example.com.", "hooks.example.com"),
        ("hooks.example.com.:8000", "hooks.example.com"),
        (" hooks.example.com ", "hooks.example.com"),
        ("[2001:DB8:0::7]:8000", "2001:db8::7"),
        ("", ""),
    ],
)
def test_the_host_that_a_header_names(header: str, host: str) -> None:
    assert origins.hostname(header) == host


@pytest.mark.parametrize(
    ("host", "is_one"),
    [
        ("relay.example.com", True),
        ("a.inner.example", True),
        ("inner.example", True),
        ("::1", True),
        ("notinner.example", False),
        ("relay.example.com.evil.example", False),
        ("evil.example", False),
    ],
)
def test_hosts_are_in_the_words_of_django(host: str, is_one: bool) -> None:
    assert origins.is_among(host, ["Relay.example.com", ".inner.example", "[::1]", "*"]) is is_one


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("https://relay.example.com", "https://relay.example.com"),
        ("https://relay.example.com:443", "https://relay.example.com"),
        ("HTTPS://Relay.Example.COM/", "https://relay.example.com"),
        (" https://relay.example.com.// ", "https://relay.example.com"),
        ("http://relay.example.com:80", "http://relay.example.com"),
        ("http://relay.example.com:443", "http://relay.example.com:443"),
        ("https://relay.example.com:08443", "https://relay.example.com:8443"),
        ("https://relay.example.com:", "https://relay.example.com"),
        ("https://Bücher.example", "https://xn--bcher-kva.example"),
        ("https://bu\u0308cher.example:8443", "https://xn--bcher-kva.example:8443"),
        ("https://faß.example", "https://xn--fa-hia.example"),
        ("https://例え。テスト", "https://xn--r8jz45g.xn--zckzah"),
        ("http://[2001:DB8:0::7]:80", "http://[2001:db8::7]"),
        ("http://192.0.2.7:8000", "http://192.0.2.7:8000"),
        ("http://localhost", "http://localhost"),
    ],
)
def test_a_public_url_in_any_equal_spelling(text: str, url: str) -> None:
    assert origins.public_url(text) == url


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("https://relay.example.com/relay", "can't be served under a path"),
        ("https://relay.example.com/a/b/", "can't be served under a path"),
        ("https://relay.example.com?x=1", "can't be served under a path"),
        ("https://relay.example.com#x", "can't be served under a path"),
        ("relay.example.com", "and nothing else"),
        ("https:relay.example.com", "and nothing else"),
        ("https://", "and nothing else"),
        ("ftp://relay.example.com", "and nothing else"),
        ("https://ann:hunter22@relay.example.com", "and nothing else"),
        ("https://relay example.com", "and nothing else"),
        ("https://relay.example.com:many", "and nothing else"),
        ("https://relay.example.com:0", "and nothing else"),
        ("https://relay.example.com:70000", "and nothing else"),
        ("https://relay_1.example.com", "and nothing else"),
        ("https://-relay.example.com", "and nothing else"),
        ("https://re..lay.example.com", "and nothing else"),
        ("https://127.1", "and nothing else"),
        ("https://[::1", "and nothing else"),
        ("https://[::g]", "and nothing else"),
        ("https://*.example.com", "and nothing else"),
        ("https://a.example,https://b.example", "and nothing else"),
        ("https://☃️\u202e.example", "and nothing else"),
    ],
)
def test_what_no_public_url_is(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=r"^RELAY_PUBLIC_URL must") as found:
        origins.public_url(text)

    assert said in str(found.value)
    assert "hunter22" not in str(found.value)


@pytest.mark.parametrize(
    ("text", "host", "trusted"),
    [
        ("Second.Example", "second.example", {"https://second.example", "https://second.example:8443"}),
        ("https://second.example/", "second.example", {"https://second.example", "https://second.example:8443"}),
        ("second.example:9443", "second.example", {"https://second.example:9443"}),
        ("bücher.example", "xn--bcher-kva.example", {"https://xn--bcher-kva.example"}),
        ("2001:DB8::7", "[2001:db8::7]", {"https://[2001:db8::7]"}),
        ("[2001:db8::7]:9443", "[2001:db8::7]", {"https://[2001:db8::7]:9443"}),
        (".Example.com", ".example.com", {"https://*.example.com", "https://example.com"}),
        ("*", "*", set()),
    ],
)
def test_further_hosts_are_served_and_trusted(text: str, host: str, trusted: set[str]) -> None:
    served = origins.served("https://relay.example:8443", [text, ""])

    assert served.hosts == ["localhost", "127.0.0.1", "[::1]", "relay.example", host]
    assert served.origins[0] == "https://relay.example:8443"
    assert trusted <= set(served.origins)


def test_a_host_of_ingest_serves_no_pages() -> None:
    served = origins.served(PAGES, ["Hooks.example.com", "b.example.com"], without="hooks.example.com")

    assert served.hosts[-2:] == ["relay.example.com", "b.example.com"]
    assert not any("hooks" in one for one in served.origins)


@pytest.mark.parametrize(
    "text", ["a/b", "a b", "second_1.example", "*.example.com", ".", "ftp://second.example", "a..b"]
)
def test_what_no_further_host_is(text: str) -> None:
    with pytest.raises(ValueError, match=r"^RELAY_HOSTS must be host names"):
        origins.served(PAGES, [text])
