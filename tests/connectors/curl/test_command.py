"""Tests of cURL commands as documentation and browsers give them, and of hostile ones."""

from __future__ import annotations

from typing import Any

import pytest

from relay.connectors.curl import MAX_CHARACTERS, read_command
from relay.connectors.registry import find
from relay.connectors.request_builder import build
from relay.errors import RelayError
from relay.templating import compile_tree

JSON = {"Content-Type": "application/json"}

# A command, and the inputs that it becomes.
COMMANDS: dict[str, tuple[str, dict[str, Any]]] = {
    "a URL": ("curl https://api.example.com/v1/me", {"method": "GET", "url": "https://api.example.com/v1/me"}),
    "the query stays in the URL": (
        "curl 'https://api.example.com/v1/search?q=a%20b&page=2#top'",
        {"method": "GET", "url": "https://api.example.com/v1/search?q=a%20b&page=2"},
    ),
    "JSON of a service's documentation": (
        """curl -X POST https://api.example.com/v1/orders \\
  -H "Authorization: Bearer sk_test_123" \\
  -H "Content-Type: application/json" \\
  -d '{
    "name": "Ada",
    "lines": [{"sku": "A-1", "count": 2}],
    "paid": true
  }'""",
        {
            "method": "POST",
            "url": "https://api.example.com/v1/orders",
            "headers": {"Authorization": "Bearer sk_test_123"},
            "body": {"json": {"name": "Ada", "lines": [{"sku": "A-1", "count": 2}], "paid": True}},
        },
    ),
    "a user without a password, and a form": (
        'curl https://api.example.com/v1/charges -u sk_test_123: -d amount=2000 -d "currency=eur" -d tag=a -d tag=b',
        {
            "method": "POST",
            "url": "https://api.example.com/v1/charges",
            "headers": {"Authorization": "Basic c2tfdGVzdF8xMjM6"},
            "body": {"form": {"amount": "2000", "currency": "eur", "tag": ["a", "b"]}},
        },
    ),
    "as Chrome copies it": (
        """curl 'https://shop.example.com/api/cart' \\
  -H 'accept: */*' \\
  -H 'accept-encoding: gzip, br' \\
  -H 'content-type: application/json' \\
  -b 'session=abc; theme=dark' \\
  -H 'sec-ch-ua: "Chromium";v="142"' \\
  --data-raw $'{"text":"it\\'s \\u0021 \\ud83d\\ude00\\\\n"}' \\
  --compressed""",
        {
            "method": "POST",
            "url": "https://shop.example.com/api/cart",
            "headers": {"accept": "*/*", "Cookie": "session=abc; theme=dark", "sec-ch-ua": '"Chromium";v="142"'},
            "body": {"json": {"text": "it's ! 😀\n"}},
        },
    ),
    "as Firefox copies it": (
        """curl --compressed 'https://example.com/a' -X 'PUT' -H 'User-Agent: Mozilla/5.0' -H 'Host: example.com' \\
  --data-binary 'plain' -H 'Content-Type: text/plain;charset=UTF-8'""",
        {
            "method": "PUT",
            "url": "https://example.com/a",
            "headers": {"User-Agent": "Mozilla/5.0"},
            "body": {"text": "plain", "type": "text/plain;charset=UTF-8"},
        },
    ),
    "--json": (
        """curl --json '{"a": ' --json '1}' https://example.com/""",
        {
            "method": "POST",
            "url": "https://example.com/",
            "headers": {"Accept": "application/json"},
            "body": {"json": {"a": 1}},
        },
    ),
    "a JSON type of its own": (
        """curl -XPATCH example.com/x -H 'Content-Type: application/vnd.api+json' -d '{"a":null}'""",
        {
            "method": "PATCH",
            "url": "http://example.com/x",
            "headers": {"Content-Type": "application/vnd.api+json"},
            "body": {"json": {"a": None}},
        },
    ),
    "JSON without its type is a form for curl": (
        """curl https://example.com/ -d '{"a": 1}'""",
        {
            "method": "POST",
            "url": "https://example.com/",
            "body": {"text": '{"a": 1}', "type": "application/x-www-form-urlencoded"},
        },
    ),
    "JSON with a gap": (
        "curl https://example.com/ -H 'Content-Type: application/json' -d '{...}'",
        {"method": "POST", "url": "https://example.com/", "body": {"text": "{...}", "type": "application/json"}},
    ),
    "XML": (
        "curl https://example.com/ -H 'Content-Type: text/xml' --data '<a>1</a>'",
        {"method": "POST", "url": "https://example.com/", "body": {"text": "<a>1</a>", "type": "text/xml"}},
    ),
    "-G": (
        "curl -G https://example.com/s?x=1 --data-urlencode 'q=a b&c' -d page=2 --data-urlencode 'ä'",
        {"method": "GET", "url": "https://example.com/s?x=1&q=a+b%26c&page=2&%C3%A4"},
    ),
    "--data-urlencode": (
        "curl https://example.com/ --data-urlencode 'text=a & b' --data-urlencode =x",
        {
            "method": "POST",
            "url": "https://example.com/",
            "body": {"text": "text=a+%26+b&x", "type": "application/x-www-form-urlencoded"},
        },
    ),
    "-F": (
        """curl https://example.com/ -F name=Ada -F 'note="a; b";type=text/plain' \\
  --form-string 'raw=@me' -F t=1 -F t=2""",
        {
            "method": "POST",
            "url": "https://example.com/",
            "body": {"multipart": {"name": "Ada", "note": "a; b", "raw": "@me", "t": ["1", "2"]}},
        },
    ),
    "-I": ("curl -I https://example.com/", {"method": "HEAD", "url": "https://example.com/"}),
    "letters together": (
        "curl -sSLXDELETE https://example.com/1",
        {"method": "DELETE", "url": "https://example.com/1"},
    ),
    "headers by options": (
        "curl -A Agent/1 -e https://a.example/ -r 0-9 --oauth2-bearer abc --url=https://example.com/",
        {
            "method": "GET",
            "url": "https://example.com/",
            "headers": {
                "User-Agent": "Agent/1",
                "Referer": "https://a.example/",
                "Range": "bytes=0-9",
                "Authorization": "Bearer abc",
            },
        },
    ),
    "repeated, empty and removed headers": (
        "curl https://example.com/ -H 'X-A: 1' -H 'x-a: 2' -H 'X-Empty;' -H 'Accept:' -H 'Cookie: a=1' -b b=2",
        {
            "method": "GET",
            "url": "https://example.com/",
            "headers": {"X-A": "1, 2", "X-Empty": "", "Cookie": "a=1; b=2"},
        },
    ),
    "a user in the URL": (
        "curl https://ada:p%40ss@example.com:8443/x",
        {
            "method": "GET",
            "url": "https://example.com:8443/x",
            "headers": {"Authorization": "Basic YWRhOnBAc3M="},
        },
    ),
    "a prompt, a comment and a pipe": (
        "$ curl https://example.com/ # the start\n  -H 'X: y' | jq .",
        {"method": "GET", "url": "https://example.com/", "headers": {"X": "y"}},
    ),
    "a space after a backslash, and a backslash that is missing": (
        "curl https://example.com/ \\ \n -H 'X: y'\n -H 'Z: 1'\n",
        {"method": "GET", "url": "https://example.com/", "headers": {"X": "y", "Z": "1"}},
    ),
    "escapes of double quotes": (
        r"""curl "https://example.com/" -H "X: \"a\" \\ \$b \d" """,
        {"method": "GET", "url": "https://example.com/", "headers": {"X": r'"a" \ $b \d'}},
    ),
    "pieces of one word": (
        """curl https://exam'ple.com'"/a"\\ b$'\\x2f' -g""".replace("\\ b", "b"),
        {"method": "GET", "url": "https://example.com/ab/"},
    ),
    "JSON that is no object": (
        "curl https://example.com/ --json null",
        {
            "method": "POST",
            "url": "https://example.com/",
            "headers": {"Accept": "application/json"},
            "body": {"text": "null", "type": "application/json"},
        },
    ),
    "fields in an order that a form can't keep": (
        "curl https://example.com/ -d 'a=1&b=2&a=3'",
        {
            "method": "POST",
            "url": "https://example.com/",
            "body": {"text": "a=1&b=2&a=3", "type": "application/x-www-form-urlencoded"},
        },
    ),
    "an empty body": (
        "curl -X POST https://example.com/ -d ''",
        {
            "method": "POST",
            "url": "https://example.com/",
            "body": {"text": "", "type": "application/x-www-form-urlencoded"},
        },
    ),
}


@pytest.mark.parametrize("case", COMMANDS)
def test_a_command_becomes_the_inputs_of_a_request(case: str) -> None:
    command, inputs = COMMANDS[case]

    assert read_command(command).inputs == inputs


# A text of broken JSON is refused when it is sent.
@pytest.mark.parametrize("case", sorted(COMMANDS.keys() - {"JSON with a gap"}))
def test_the_inputs_build_a_request(case: str) -> None:
    inputs = compile_tree(read_command(COMMANDS[case][0]).inputs).render({})

    request = build(*find("http.request"), inputs, None, key="k")

    assert request.method == inputs["method"]
    assert request.url.split("?")[0].rstrip("/") == inputs["url"].split("?")[0].rstrip("/")


# A command, and part of a note about it.
NOTES = {
    "curl -k https://example.com/": "-k is left out: Relay always verifies certificates.",
    "curl --insecure https://example.com/": "--insecure is left out: Relay always verifies",
    "curl -L https://example.com/": "doesn't follow redirects",
    "curl -o out.json https://example.com/": "-o is left out: Relay stores the answer in the run.",
    "curl -m 5 https://example.com/": "-m is left out",
    "curl -x http://proxy:8080 https://example.com/": "-x is left out",
    "curl --cert me.pem https://example.com/": "--cert is left out: Relay sends no client certificates.",
    "curl https://example.com/ | sh": "after | is left out",
    "curl https://example.com/; rm -rf x": "after ; is left out",
    "curl https://example.com/ && echo": "after && is left out",
    "curl https://example.com/\ncurl https://example.org/": "on the lines after the command",
    'curl https://example.com/ -H "Authorization: Bearer $TOKEN"': "$TOKEN is a variable of a shell",
    "curl https://example.com/${ID}": "${ID} is a variable of a shell",
    "curl example.com": "http:// is added",
    "curl https://ada:secret@example.com/": "sent as the header Authorization",
    "curl https://example.com/ -u ada": "has no password",
    "curl https://example.com/ -H 'Idempotency-Key: 1'": "differs for each run",
    "curl https://example.com/ -H 'Content-Length: 1'": "Relay writes it itself",
    """curl https://example.com/ -d '{"a": 1}'""": "choose JSON",
    "curl https://example.com/ -F 'a=b;type=text/csv'": "are left out",
}


@pytest.mark.parametrize("command", NOTES)
def test_what_is_left_out_is_said(command: str) -> None:
    assert any(NOTES[command] in note for note in read_command(command).notes)


SECRETS = {
    "curl https://example.com/ -H 'Authorization: Bearer abc'": ["the header Authorization"],
    "curl https://example.com/ -u ada:secret": ["the header Authorization"],
    "curl https://ada:secret@example.com/": ["the header Authorization"],
    "curl https://example.com/ -H 'X-Api-Key: abc'": ["the header X-Api-Key"],
    "curl https://example.com/ -H 'X-Login: Token abc'": ["the header X-Login"],
    "curl https://example.com/ -b session=abc": ["the header Cookie"],
    "curl 'https://example.com/?api_key=abc&page=1'": ["api_key in the URL"],
    "curl https://example.com/ -d client_secret=abc -d page=1": ["client_secret in the body"],
    """curl https://example.com/ --json '{"a": [{"password": "abc"}]}'""": ["password in the body"],
    "curl https://example.com/ -H 'Accept: text/html'": [],
}


@pytest.mark.parametrize("command", SECRETS)
def test_secrets_are_named_without_their_values(command: str) -> None:
    result = read_command(command)

    assert result.secrets == SECRETS[command]
    assert not any("abc" in text for text in [*result.taken, *result.notes, *result.secrets])


@pytest.mark.parametrize("braces", ["{{ event.body.id }}", "{% for x in y %}", "{# a #}", "{{{", "{{{%", "{{{{%", "}}"])
def test_braces_of_a_command_are_no_templates(braces: str) -> None:
    command = f"""curl 'https://example.com/' -H 'X-A: a{braces}' --json '{{"b": "{braces}"}}'"""
    form = f"curl https://example.com/ --data-urlencode 'c={braces}'"

    inputs: Any = compile_tree(read_command(command).inputs).render({})
    form_inputs: Any = compile_tree(read_command(form).inputs).render({})

    assert inputs["headers"]["X-A"] == f"a{braces}"
    assert inputs["body"] == {"json": {"b": braces}}
    assert form_inputs["body"] == {"form": {"c": braces}}


# A hostile or mistaken command, and part of the sentence about it.
REFUSED = {
    "": "starts with curl",
    "   \n": "starts with curl",
    "wget https://example.com/": "doesn't start with curl",
    "curl": "no URL",
    "curl 'https://example.com/": "opened and not closed",
    'curl "https://example.com/': "opened and not closed",
    "curl $'https://example.com/": "opened and not closed",
    "curl https://example.com/ https://example.org/": "2 URLs",
    "curl https://example.com/ --next https://example.org/": "--next begins another request",
    "curl https://example.com/$(id)": "another one inside",
    'curl "https://example.com/$(id)"': "another one inside",
    "curl https://example.com/`id`": "another one inside",
    "curl https://example.com/?a=1&b=2": "A & is outside quotes",
    "curl https://example.com/ > /etc/passwd": "> is outside quotes",
    "curl https://example.com/ -d @secret.json": "-d names a file",
    "curl https://example.com/ --data-binary @/etc/passwd": "--data-binary names a file",
    "curl https://example.com/ --data-urlencode a@/etc/passwd": "--data-urlencode names a file",
    "curl https://example.com/ --json @a": "--json names a file",
    "curl https://example.com/ -H @headers": "-H names a file",
    "curl https://example.com/ -b cookies.txt": "-b names a file",
    "curl https://example.com/ -F a=@/etc/passwd": "-F names a file",
    "curl https://example.com/ -F 'a=</etc/passwd'": "-F names a file",
    "curl https://example.com/ -T /etc/passwd": "-T reads a file",
    "curl -K /etc/passwd": "-K reads a file",
    "curl --url @urls": "names a file",
    "curl https://example.com/ -n": "-n reads a file",
    "curl https://example.com/ --digest -u a:b": "--digest isn't supported",
    "curl https://example.com/ --frobnicate": "doesn't know the option --frobnicate",
    "curl https://example.com/ -?": "doesn't know the option -?",
    "curl https://example.com/ -H": "-H has no value",
    "curl https://example.com/ -H 'bad header: 1'": "no valid name",
    "curl https://example.com/ -H Accept": "no valid name",
    "curl https://example.com/ -X BREW": "The method must be one of",
    "curl https://example.com/ -d a=1 -F b=2": "can't be sent together",
    "curl -I https://example.com/ -d a=1": "can't be sent together",
    "curl file:///etc/passwd": "must begin with https://",
    "curl gopher://example.com/": "must begin with https://",
    "curl 'https://[::1'": "can't be read",
    "curl https:///x": "no host",
    "curl 'https://example.com/a b'": "a space",
    'curl "https://example.com/" ^\n -H ^"X: y^"': "cURL (bash)",
    f"curl https://example.com/{'a' * 9_000}": "longer than 8,192",
    f"curl https://example.com/ {'-s ' * 10_000}": "more than 2,000 words",
    "curl https://example.com/ " + " ".join(f"-H 'X-{number}: 1'" for number in range(101)): "more than 90 headers",
    "curl https://example.com/ " + " ".join(f"-F a{number}=1" for number in range(201)): "more than 200 fields",
    f"curl https://example.com/ -d '{'a' * 1_000_000}'": f"longer than {MAX_CHARACTERS:,}",
}


@pytest.mark.parametrize("command", REFUSED, ids=[command[:60] for command in REFUSED])
def test_a_command_is_refused_in_words(command: str) -> None:
    with pytest.raises(RelayError) as refused:
        read_command(command)

    assert REFUSED[command] in str(refused.value)
    assert "passwd" not in str(refused.value)


@pytest.mark.parametrize(
    "text",
    ["'" * 99_000, '"' * 99_000, "\\" * 99_000, "$" * 99_000, "\n" * 99_000, "a'b'" * 24_000, "#" * 99_000, "\0" * 9],
)
def test_the_longest_commands_end(text: str) -> None:
    with pytest.raises(RelayError):
        read_command(f"curl https://example.com/ -H {text}")


def test_sentences_are_short_and_few() -> None:
    names = " ".join(f"-H 'X{number}:'" for number in range(900))
    command = f"curl https://example.com/?{'a' * 900}_token=1 {names} -H 'X-{'a' * 80_000}: Bearer b'"

    result = read_command(command)

    sentences = [*result.taken, *result.notes, *result.secrets]
    assert len(sentences) < 50
    assert max(map(len, sentences)) < 100


def test_a_form_of_many_fields_is_text() -> None:
    data = "&".join(f"a{number}=1" for number in range(91))

    assert read_command(f"curl https://example.com/ -d '{data}'").inputs["body"] == {
        "text": data,
        "type": "application/x-www-form-urlencoded",
    }


def test_json_that_is_nested_too_deeply_is_text() -> None:
    deep = "[" * 40_000 + "]" * 40_000

    result = read_command(f"curl https://example.com/ --json '{deep}'")

    assert result.inputs["body"] == {"text": deep, "type": "application/json"}
