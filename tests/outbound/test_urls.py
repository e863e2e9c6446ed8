import pytest

from relay.errors import RequestRefused
from relay.outbound.urls import check_url, parse


@pytest.mark.parametrize(
    ("url", "origin", "path"),
    [
        ("https://api.trello.com/1/cards?key=a", "https://api.trello.com", "/1/cards?key=a"),
        ("hTTps://API.Trello.com:443", "https://api.trello.com", "/"),
        ("http://h.example:8080?q=1#part", "http://h.example:8080", "/?q=1"),
        ("http://h.example./a", "http://h.example", "/a"),
        ("http://h.example:/a", "http://h.example", "/a"),
        ("http://h.example/a/../b/ä", "http://h.example", "/b/%C3%A4"),
        ("http://h.example/a%2fb?x=%20y", "http://h.example", "/a%2Fb?x=%20y"),
        ("http://bücher.example/", "http://xn--bcher-kva.example", "/"),
        ("http://[2606:4700::1111]:81/", "http://[2606:4700::1111]:81", "/"),
        ("http://[2606:4700:0:0:0:0:0:1111]/", "http://[2606:4700::1111]", "/"),
        ("http://11.0.0.1/", "http://11.0.0.1", "/"),
        ("http://11.0.0.1./", "http://11.0.0.1", "/"),
        ("http://[::ffff:11.0.0.1]/", "http://[::ffff:b00:1]", "/"),
        ("http://h.example:65535/", "http://h.example:65535", "/"),
        ("http://h.example/@a:b@c", "http://h.example", "/@a:b@c"),
        ("http://h.example#@127.0.0.1/", "http://h.example", "/"),
        ("http://\u0967.\u0967.\u0967.\u0967/", "http://xn--e4b.xn--e4b.xn--e4b.xn--e4b", "/"),
        (
            f"http://{'a' * 63}.{'b' * 63}.{'c' * 63}.{'d' * 61}/",
            f"http://{'a' * 63}.{'b' * 63}.{'c' * 63}.{'d' * 61}",
            "/",
        ),
        ("http://good.example?@127.0.0.1/", "http://good.example", "/?@127.0.0.1/"),
        ("http://_dmarc.h.example/", "http://_dmarc.h.example", "/"),
    ],
)
def test_reads_a_url_in_one_way(url: str, origin: str, path: str) -> None:
    target = parse(url)

    assert (target.origin, target.path) == (origin, path)


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("", "http://"),
        ("h.example/a", "http://"),
        ("//127.0.0.1/", "http://"),
        ("ftp://127.0.0.1/", "http://"),
        ("javascript:alert(1)", "http://"),
        ("http://", "no host"),
        ("http:///127.0.0.1/", "no host"),
        ("http://user:word@h.example/", "user name"),
        ("http://good.example%2f@127.0.0.1/", "user name"),
        ("http://127.0.0.1\\@good.example/", "backslash"),
        ("http://h.example/a\\b", "backslash"),
        ("http://127.0.0.1 /", "space"),
        ("http://h.example/a b", "space"),
        ("http://good.example\n.evil/", "control"),
        ("http://h.example/\u2028", "control"),
        ("http://h.example/\ud800", "control"),
        ("http://@h.example/", "user name"),
        ("http://:@h.example/", "user name"),
        ("http://@127.0.0.1/", "user name"),
        ("http://h.example:80@evil.example/", "user name"),
        ("http:/h.example", "no host"),
        ("http:h.example", "no host"),
        ("http:////h.example/", "no host"),
        ("http://?h.example", "no host"),
        ("http\u200b://h.example/", "host and port"),
        ("\uff48ttp://h.example/", "host and port"),
        ("blob:http://h.example/", "http://"),
        (" http://h.example/", "space"),
        ("http://h.example/\t", "control"),
        ("http://h.example:0/", "port 0"),
        ("http://h.example:080/", "begins with 0"),
        ("http://h.example:00022/", "begins with 0"),
        ("http://h.example:+80/", "host and port"),
        ("http://h.example:65536/", "host and port"),
        ("http://h.example:\uff18\uff10/", "host and port"),
        ("http://h.example:80x/", "host and port"),
        ("http://h.example:99999/", "host and port"),
        ("http://h.example:-1/", "host and port"),
        ("http://127.0.0.1:80:80/", "host and port"),
        ("http://[::1]evil.example/", "host and port"),
        ("http://[::1%25lo]/", "zone"),
        ("http://2130706433/", "number"),
        ("http://0x7f.1/", "number"),
        ("http://0177.0.0.1/", "number"),
        ("http://127.1/", "number"),
        ("http://017700000001/", "number"),
        ("http://0x7f000001/", "number"),
        ("http://4294967295/", "number"),
        ("http://0/", "number"),
        ("http://8.8.8.08/", "number"),
        ("http://1.2.3.4.5/", "number"),
        ("http://256.1.1.1/", "number"),
        ("http://1.1.1.%31/", "has a %"),
        ("http://%31.1.1.1/", "has a %"),
        ("http://127.0.0.1%09/", "has a %"),
        ("http://a.b.0x/", "number"),
        ("http://a..b/", "valid name"),
        ("http://h.example../", "valid name"),
        ("http://127.0.0.1../", "valid name"),
        ("http://.h.example/", "valid name"),
        ("http://./", "valid name"),
        ("http://*.h.example/", "valid name"),
        ("http://h.example;x/", "valid name"),
        ("http://h.example,evil.example/", "valid name"),
        ("http://-a.example/", "valid name"),
        ("http://xn--/", "valid name"),
        ("http://h%2e.example%00/", "has a %"),
        ("http://h%41.example%2f/", "has a %"),
        (f"http://{'a' * 64}.example/", "valid name"),
        (f"http://{'a.' * 127}example/", "valid name"),
        ("http://xn--999999999999.example/", "international"),
        ("http://loca\u017fhost\u24db/", "host and port"),
        ("http://127\uff0e0\uff0e0\uff0e1/", "host and port"),
        ("http://127\uff610.0.1/", "host and port"),
        ("http://\uff11\uff12\uff17.0.0.1/", "host and port"),
        ("http://\u2460\u2461\u2466.0.0.1/", "host and port"),
        ("http://h\u3002example/", "host and port"),
        ("http://h\u200b.example/", "host and port"),
        ("http://h\xad.example/", "host and port"),
        ("http://[::1/", "host and port"),
        ("http://::1/", "host and port"),
        ("http://[]/", "host and port"),
        ("http://[v1.a]/", "host and port"),
        ("http://[127.0.0.1]/", "host and port"),
        ("http://[::ffff:0x7f.1]/", "host and port"),
        ("http://[fe80::1%eth0]/", "zone"),
        (f"http://h.example/{'a' * 9000}", "longer"),
    ],
)
def test_refuses_what_can_be_read_in_two_ways(url: str, reason: str) -> None:
    with pytest.raises(RequestRefused, match=reason):
        check_url(url)


def test_a_refusal_does_not_repeat_a_password() -> None:
    with pytest.raises(RequestRefused) as refusal:
        check_url("http://user:hunter22@h.example/")

    assert "hunter22" not in str(refusal.value)
