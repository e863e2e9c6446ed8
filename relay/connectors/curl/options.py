"""Reads the options of a cURL command: those that make the request, those that are left out, and those refused."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain

from relay.errors import RelayError

_MAX_NAME_CHARACTERS = 40  # of an option in a sentence
_TRANSPORT = "Relay chooses addresses and protocols itself"
_OUTPUT = "Relay stores the answer in the run"
_LIMITS = "Relay has limits and retries of its own"
_CERTIFICATE = "Relay sends no client certificates"
_FILES = "reads a file. Relay never reads files for a command: paste what is in it"

# Options of the request, by their long names, each with its short one.
_WITH_VALUE = {
    "request": "X",
    "header": "H",
    "user": "u",
    "cookie": "b",
    "user-agent": "A",
    "referer": "e",
    "range": "r",
    "data": "d",
    "data-ascii": "",
    "data-raw": "",
    "data-binary": "",
    "data-urlencode": "",
    "json": "",
    "form": "F",
    "form-string": "",
    "url": "",
    "url-query": "",
    "oauth2-bearer": "",
}
_WITHOUT_VALUE = {"get": "G", "head": "I"}
# They concern what curl prints, or are what Relay does anyway.
_SILENT = {
    "silent": "s",
    "show-error": "S",
    "verbose": "v",
    "include": "i",
    "show-headers": "",
    "progress-bar": "#",
    "no-progress-meter": "",
    "no-buffer": "N",
    "fail": "f",
    "fail-with-body": "",
    "compressed": "",
    "globoff": "g",
    "basic": "",
    "http1.1": "",
    "disable": "q",
    "no-keepalive": "",
    "tcp-nodelay": "",
    "no-sessionid": "",
}
# What is left out with a note: the reason, options without a value, options with one.
_LEFT_OUT: tuple[tuple[str, dict[str, str], dict[str, str]], ...] = (
    ("Relay always verifies certificates", {"insecure": "k", "proxy-insecure": "", "ssl-no-revoke": ""}, {}),
    (
        "Relay doesn't follow redirects, so enter the URL that they lead to",
        {"location": "L", "location-trusted": "", "post301": "", "post302": "", "post303": ""},
        {"max-redirs": ""},
    ),
    (
        _OUTPUT,
        {"remote-name": "O", "remote-header-name": "J", "create-dirs": "", "trace-time": "", "styled-output": ""},
        {
            "output": "o",
            "output-dir": "",
            "write-out": "w",
            "dump-header": "D",
            "cookie-jar": "c",
            "stderr": "",
            "trace": "",
            "trace-ascii": "",
        },
    ),
    (
        _LIMITS,
        {"retry-all-errors": "", "retry-connrefused": "", "parallel": "Z"},
        {
            "max-time": "m",
            "connect-timeout": "",
            "retry": "",
            "retry-delay": "",
            "retry-max-time": "",
            "limit-rate": "",
            "speed-limit": "Y",
            "speed-time": "y",
            "max-filesize": "",
            "keepalive-time": "",
        },
    ),
    (
        _TRANSPORT,
        {
            "ipv4": "4",
            "ipv6": "6",
            "http1.0": "0",
            "http2": "",
            "http2-prior-knowledge": "",
            "http3": "",
            "tlsv1": "1",
            "tlsv1.0": "",
            "tlsv1.1": "",
            "tlsv1.2": "",
            "tlsv1.3": "",
            "path-as-is": "",
        },
        {
            "proxy": "x",
            "proxy-user": "U",
            "noproxy": "",
            "resolve": "",
            "connect-to": "",
            "interface": "",
            "tls-max": "",
            "ciphers": "",
            "dns-servers": "",
            "local-port": "",
            "request-target": "",
            "proto": "",
            "proxy-header": "",
            "unix-socket": "",
            "socks5": "",
            "socks5-hostname": "",
        },
    ),
    (
        _CERTIFICATE,
        {"ca-native": ""},
        {"cert": "E", "cert-type": "", "key": "", "key-type": "", "pass": "", "cacert": "", "capath": ""},
    ),
)
# What is refused, with the end of the sentence about it.
_REFUSED_WITH_VALUE: dict[str, tuple[str, str]] = {
    "upload-file": ("T", _FILES),
    "config": ("K", _FILES),
    "netrc-file": ("", _FILES),
    "aws-sigv4": ("", "signs the request for AWS, which Relay's HTTP request can't"),
}
_REFUSED_WITHOUT_VALUE: dict[str, tuple[str, str]] = {
    "netrc": ("n", _FILES),
    "next": (":", "begins another request. Paste one request at a time"),
    **dict.fromkeys(("digest", "ntlm", "negotiate", "anyauth"), ("", "isn't supported: Relay sends Basic or a header")),
}


@dataclass(frozen=True, slots=True)
class _Known:
    """`name`: the long name; `reason`: why it is left out, or refused with `is_refused`; "" for one that is used."""

    name: str
    takes_value: bool
    reason: str = ""
    is_refused: bool = False
    is_silent: bool = False


@dataclass(frozen=True, slots=True)
class Given:
    """An option of the request as it was given. `name`: its long name; `url` for a URL; `written`: as in `-d`."""

    name: str
    written: str
    value: str = ""


@dataclass(slots=True)
class Options:
    """The options of the request in their order, and a sentence for each that is left out."""

    given: list[Given] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)


def _known() -> tuple[dict[str, _Known], dict[str, _Known]]:
    """Return every option by its long and by its short name."""
    options: list[tuple[str, _Known]] = []
    for name, short in chain(_WITH_VALUE.items(), _WITHOUT_VALUE.items()):
        options.append((short, _Known(name, name in _WITH_VALUE)))
    options += [(short, _Known(name, takes_value=False, is_silent=True)) for name, short in _SILENT.items()]
    for reason, flags, valued in _LEFT_OUT:
        options += [(short, _Known(name, takes_value=False, reason=reason)) for name, short in flags.items()]
        options += [(short, _Known(name, takes_value=True, reason=reason)) for name, short in valued.items()]
    for refused, takes_value in ((_REFUSED_WITH_VALUE, True), (_REFUSED_WITHOUT_VALUE, False)):
        for name, (short, reason) in refused.items():
            options.append((short, _Known(name, takes_value, reason, is_refused=True)))
    return {known.name: known for _, known in options}, {short: known for short, known in options if short}


_BY_NAME, _BY_LETTER = _known()


def read_options(words: list[str]) -> Options:
    """Read the words after `curl`. RelayError for an unknown option, one without its value, and one that is refused."""
    result, rest = Options(), iter(words)
    for word in rest:
        if word.startswith("--") and word != "--":
            _read_long(result, word, rest)
        elif word.startswith("-") and word != "-":
            _read_letters(result, word, rest)
        elif word != "--":
            result.given.append(Given("url", "the URL", word))
    return result


def _read_long(result: Options, word: str, rest: Iterator[str]) -> None:
    """Read `--name`, `--name value`, `--name=value` or `--no-name`, which switches off what Relay doesn't do anyway."""
    name, mark, value = word[2:].partition("=")
    known = _BY_NAME.get(name)
    if known is None and name.startswith("no-") and name[3:] in _BY_NAME:
        return
    if known is None or (mark and not known.takes_value):
        raise _unknown(f"--{name}")
    _add(result, known, f"--{name}", value if mark else None, rest)


def _read_letters(result: Options, word: str, rest: Iterator[str]) -> None:
    """Read `-s`, several at once as in `-sSL`, and a value that follows its letter, as in `-XPOST`."""
    for place, letter in enumerate(word[1:], start=2):
        known = _BY_LETTER.get(letter)
        if known is None:
            raise _unknown(f"-{letter}")
        _add(result, known, f"-{letter}", word[place:] or None, rest)
        if known.takes_value:
            return


def _add(result: Options, known: _Known, written: str, value: str | None, rest: Iterator[str]) -> None:
    """Add an option. `value`: the one that is written with it, if any; otherwise it is the next word of `rest`."""
    if known.takes_value and value is None:
        value = next(rest, None)
        if value is None:
            raise RelayError(f"{written} has no value")
    if known.is_refused:
        raise RelayError(f"{written} {known.reason}.")
    if known.reason:
        sentence = f"{written} is left out: {known.reason}."
        if sentence not in result.left_out:
            result.left_out.append(sentence)
    elif not known.is_silent:
        result.given.append(Given(known.name, written, (value or "") if known.takes_value else ""))


def _unknown(written: str) -> RelayError:
    return RelayError(
        f"Relay doesn't know the option {written[:_MAX_NAME_CHARACTERS]} of curl. Remove it, or write it in full."
    )
