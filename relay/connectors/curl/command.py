"""Converts a cURL command to the inputs of an HTTP request. It reads no files and executes nothing."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import SplitResult, quote_plus, unquote, urlsplit

from relay.connectors.curl.bodies import Body, body_of, escaped, form_body
from relay.connectors.curl.options import Given, read_options
from relay.connectors.curl.shell_words import ShellWords, split_words
from relay.errors import RelayError
from relay.outbound import METHODS
from relay.redaction import is_secret_name

MAX_CHARACTERS = 100_000
MAX_URL_CHARACTERS = 8_192
MAX_HEADERS = 90  # the editor has 100 rows, and Relay adds headers of its own
MAX_SENTENCES = 40  # of each kind
_MAX_NAME_CHARACTERS = 60  # of a name in a sentence

_is_curl = re.compile(r"(?:.*[/\\])?curl(?:\.exe)?", re.IGNORECASE).fullmatch
# As browsers copy it for cmd.exe of Windows.
_is_for_windows = re.compile(r"\s*curl(?:\.exe)?\s[^'\n]*\^[\"\n]", re.IGNORECASE).match
_is_header_name = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+").fullmatch
_has_scheme = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://").match
_has_credential = re.compile(r"(?:bearer|basic|token|apikey)\s+\S", re.IGNORECASE).match
_CONNECTION_HEADERS = ("connection", "content-length", "expect", "host", "keep-alive", "te", "trailer", "upgrade")
# Headers that Relay writes itself, each with the end of the sentence about it.
_OWN_HEADERS = {
    **dict.fromkeys((*_CONNECTION_HEADERS, "transfer-encoding", "accept-encoding"), "Relay writes it itself"),
    **dict.fromkeys(("relay-hops", "relay-budget"), "only Relay sends it"),
    "idempotency-key": "Relay sends its own, which differs for each run",
}
_HEADER_OPTIONS = {"cookie": "Cookie", "user-agent": "User-Agent", "referer": "Referer", "range": "Range"}
_BODY_OPTIONS = {"data", "data-ascii", "data-raw", "data-binary", "data-urlencode", "json"}
_FORM_OPTIONS = {"form", "form-string"}
_READ_FILES = {"data", "data-ascii", "data-binary", "json"}


@dataclass(slots=True)
class CurlRequest:
    """What a command becomes.

    `inputs`: those of `http.request`, in which braces of the command aren't templates. `taken`: what was read, in
    words and without values. `notes`: sentences about what was left out or needs a look. `secrets`: the places of
    values that look like secrets, such as `the header Authorization`.
    """

    inputs: dict[str, Any] = field(default_factory=dict)
    taken: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    secrets: list[str] = field(default_factory=list)


@dataclass(slots=True)
class _Headers:
    """Headers by their names in lower case, each with its name as written and its value."""

    by_name: dict[str, tuple[str, str]] = field(default_factory=dict)

    def add(self, name: str, value: str) -> None:
        """Add a header; a repeated one continues the former, as HTTP allows."""
        former = self.by_name.get(name.lower())
        join = "; " if name.lower() == "cookie" else ", "
        self.by_name[name.lower()] = (former[0], f"{former[1]}{join}{value}") if former else (name, value)
        if len(self.by_name) > MAX_HEADERS:
            raise RelayError(f"The command has more than {MAX_HEADERS} headers")

    def add_default(self, name: str, value: str) -> None:
        if name.lower() not in self.by_name:
            self.by_name[name.lower()] = (name, value)

    def value(self, name: str) -> str:
        return self.by_name.get(name, ("", ""))[1]


def read_command(text: str) -> CurlRequest:
    """Read a command in bash quoting, as documentation and the “Copy as cURL” of browsers give it.

    RelayError, without values of the command, if it can't be read or asks for what Relay doesn't do.
    """
    if len(text) > MAX_CHARACTERS:
        raise RelayError(f"The command is longer than {MAX_CHARACTERS:,} characters")
    if _is_for_windows(text):
        raise RelayError("This is a command for Windows. Copy it as cURL (bash).")
    words = split_words(text)
    given = read_options(_arguments(words))
    result = CurlRequest(notes=_shell_notes(words) + given.left_out)
    headers = _headers(result, given.given)
    address = _url(result, headers, given.given)
    body = _body(headers, given.given)
    method = _method(given.given, has_body=body is not None)
    result.inputs = {"method": method, "url": escaped(address)}
    result.taken = [f"method {method}", "URL"]
    if body is not None:
        result.notes += body.notes
        if body.implies_type:
            headers.by_name.pop("content-type", None)
        result.secrets += [f"{_short(name)} in the body" for name in body.secrets]
    if headers.by_name:
        result.inputs["headers"] = {name: escaped(value) for name, value in headers.by_name.values()}
        result.taken.append(f"headers {', '.join(_short(name) for name, _ in headers.by_name.values())}")
    if body is not None:
        result.inputs["body"] = body.value
        result.taken.append(body.words)
    secrets = [*_secret_headers(headers), *_secret_parameters(address), *result.secrets]
    result.secrets = list(dict.fromkeys(secrets))[:MAX_SENTENCES]
    result.notes = list(dict.fromkeys(result.notes))[:MAX_SENTENCES]
    return result


def _short(name: str) -> str:
    return name if len(name) <= _MAX_NAME_CHARACTERS else f"{name[:_MAX_NAME_CHARACTERS]}…"


def _arguments(words: ShellWords) -> list[str]:
    """Return the words after `curl`, without a prompt before it."""
    arguments = words.words[1:] if words.words[:1] in (["$"], ["%"], [">"]) else words.words
    if not arguments:
        raise RelayError("Paste a command that starts with curl")
    if not _is_curl(arguments[0]):
        raise RelayError("The command doesn't start with curl")
    return arguments[1:]


def _shell_notes(words: ShellWords) -> list[str]:
    notes = [
        f"{_short(name)} is a variable of a shell, and is kept as text: write its value in its place."
        for name in words.variables
    ]
    if words.after:
        where = "on the lines after the command" if words.after == "\n" else f"after {words.after}"
        notes.append(f"What is {where} is left out: Relay reads one command, and executes none.")
    return notes


def _headers(result: CurlRequest, given: list[Given]) -> _Headers:
    headers = _Headers()
    for option in given:
        if option.name == "header":
            _add_header(result, headers, option)
        elif option.name in _HEADER_OPTIONS:
            headers.add(_HEADER_OPTIONS[option.name], _header_value(option))
    # A header that is written out wins over an option, as in curl.
    for option in given:
        if option.name == "user":
            if ":" not in option.value:
                result.notes.append(f"{option.written} has no password, so the password is empty.")
            headers.add_default("Authorization", _basic(*option.value.partition(":")[::2]))
        elif option.name == "oauth2-bearer":
            headers.add_default("Authorization", f"Bearer {option.value}")
        elif option.name == "json":
            headers.add_default("Content-Type", "application/json")
            headers.add_default("Accept", "application/json")
    return headers


def _header_value(option: Given) -> str:
    """Return the value of the header that -b, -A, -e or -r sets."""
    if option.name == "cookie" and "=" not in option.value:
        raise _file(option)
    return f"bytes={option.value}" if option.name == "range" else option.value.removesuffix(";auto")


def _add_header(result: CurlRequest, headers: _Headers, option: Given) -> None:
    if option.value.startswith("@"):
        raise _file(option)
    is_empty = option.value.endswith(";") and ":" not in option.value  # curl's way to send an empty header
    name, mark, value = (option.value[:-1], ":", "") if is_empty else option.value.partition(":")
    name, value = name.strip(), value.strip()
    if not mark or not _is_header_name(name):
        raise RelayError("A header has no valid name. Write it as -H 'Name: value'.")
    if not value and not is_empty:  # it removes a header that curl would send
        result.notes.append(f"The header {_short(name)} is left out: it has no value.")
    elif name.lower() in _OWN_HEADERS:
        result.notes.append(f"The header {name} is left out: {_OWN_HEADERS[name.lower()]}.")
    else:
        headers.add(name, value)


def _basic(user: str, password: str) -> str:
    return f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"


def _file(option: Given) -> RelayError:
    return RelayError(
        f"{option.written} names a file. Relay never reads files for a command: paste what is in the file."
    )


def _url(result: CurlRequest, headers: _Headers, given: list[Given]) -> str:
    """Return the URL with its query. A user and a password in it become a header."""
    urls = [option.value for option in given if option.name == "url"]
    if len(urls) != 1:
        raise RelayError(
            f"The command has {len(urls)} URLs. Paste a command with one; text with spaces needs quotes."
            if urls
            else "The command has no URL"
        )
    url = urls[0].strip()
    if url.startswith("@"):
        raise _file(Given("url", "The URL", url))
    if re.search(r"\s", url):
        raise RelayError("The URL has a space or a line break in it. Write %20 for a space.")
    if not _has_scheme(url):
        result.notes.append("The URL has no scheme, so http:// is added, as curl does.")
        url = f"http://{url}"
    parts = _split(url)
    if parts.scheme.lower() not in ("http", "https"):
        raise RelayError("The URL must begin with https:// or http://")
    userinfo, mark, host = parts.netloc.rpartition("@")
    if not host.partition(":")[0]:
        raise RelayError("The URL has no host")
    if mark:
        headers.add_default("Authorization", _basic(*map(unquote, userinfo.partition(":")[::2])))
        result.notes.append("The user and the password of the URL are sent as the header Authorization.")
    return _with_query(parts._replace(netloc=host, fragment=""), given)


def _split(url: str) -> SplitResult:
    try:
        return urlsplit(url)
    except ValueError:
        raise RelayError("The URL can't be read") from None


def _with_query(parts: SplitResult, given: list[Given]) -> str:
    """Return the URL with what `--url-query` adds, and with -G the data too."""
    is_get = any(option.name == "get" for option in given)
    added = [_query_part(option) for option in given if option.name == "url-query"]
    added += [_data(option) for option in given if is_get and option.name in _BODY_OPTIONS]
    url = parts._replace(query="&".join(part for part in (parts.query, *added) if part)).geturl()
    if len(url) > MAX_URL_CHARACTERS:
        raise RelayError(f"The URL is longer than {MAX_URL_CHARACTERS:,} characters")
    return url


def _query_part(option: Given) -> str:
    return option.value[1:] if option.value.startswith("+") else _encoded(option)


def _data(option: Given) -> str:
    if option.name in _READ_FILES and option.value.startswith("@"):
        raise _file(option)
    return _encoded(option) if option.name == "data-urlencode" else option.value


def _encoded(option: Given) -> str:
    """Return `name=content` with the content encoded; without a name, all of it is."""
    name, mark, content = option.value.partition("=")
    if not mark:
        if "@" in option.value:
            raise _file(option)
        return quote_plus(option.value)
    if "@" in name:
        raise _file(option)
    return f"{name}={quote_plus(content)}" if name else quote_plus(content)


def _body(headers: _Headers, given: list[Given]) -> Body | None:
    """Return the body, or None without one; RelayError for a body of two kinds."""
    fields = [option for option in given if option.name in _FORM_OPTIONS]
    data = [option for option in given if option.name in _BODY_OPTIONS]
    if fields and data:
        raise RelayError(f"{data[0].written} and {fields[0].written} can't be sent together")
    if fields:
        headers.by_name.pop("content-type", None)
        return form_body(fields)
    if not data or any(option.name == "get" for option in given):
        return None
    text = _data(data[0])
    for option in data[1:]:
        text += _data(option) if option.name == "json" else f"&{_data(option)}"
    return body_of(text, headers.value("content-type"))


def _method(given: list[Given], *, has_body: bool) -> str:
    named = [option.value.strip().upper() for option in given if option.name == "request"]
    is_head = any(option.name == "head" for option in given)
    if named:
        if named[-1] not in METHODS:
            raise RelayError(f"The method must be one of {', '.join(sorted(METHODS))}")
        return named[-1]
    if is_head and has_body:
        raise RelayError("-I and a body can't be sent together")
    return "HEAD" if is_head else "POST" if has_body else "GET"


def _secret_headers(headers: _Headers) -> list[str]:
    return [
        f"the header {_short(name)}"
        for name, value in headers.by_name.values()
        if is_secret_name(name) or _has_credential(value)
    ]


def _secret_parameters(url: str) -> list[str]:
    parts = (part.partition("=") for part in urlsplit(url).query.split("&"))
    names = [unquote(name) for name, _, value in parts if value]
    return [f"{_short(name)} in the URL" for name in names if is_secret_name(name)]
