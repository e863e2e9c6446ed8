"""Splits a command into words as bash does. Nothing in it is expanded or executed."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from relay.errors import RelayError

MAX_WORDS = 2_000
MAX_VARIABLES = 20  # names that are reported

_plain = re.compile(r"[^\s'\"\\$`;|&<>()]+")
_blank = re.compile(r"[^\S\n]+")
_lines = re.compile(r"\s+")
_comment = re.compile(r"#[^\n]*")
# A space after the backslash would end the command in bash. It is a common mistake when commands are copied.
_continuation = re.compile(r"\\[ \t]*\r?\n")
_single = re.compile(r"'([^']*)'")
_double = re.compile(r'"([^"\\]*(?:\\.[^"\\]*)*)"', re.DOTALL)
_ansi = re.compile(r"\$'([^'\\]*(?:\\.[^'\\]*)*)'", re.DOTALL)
_variable = re.compile(r"\$(?:([A-Za-z_]\w*)|\{([A-Za-z_]\w*)\})")
_in_double = re.compile(r"\\([$`\"\\])|(\\\n)")
_escaped_pair = re.compile(r"\\.", re.DOTALL)
_substitution = re.compile(r"\$\(|`")
_operator = re.compile(r"\|\||&&|[;|&<>()]")
_escape = re.compile(
    r"((?:\\x[0-9A-Fa-f]{1,2}|\\[0-7]{1,3})+)|\\u([0-9A-Fa-f]{1,4})|\\U([0-9A-Fa-f]{1,8})|\\c(.)|\\(.)", re.DOTALL
)
_byte = re.compile(r"\\(?:x([0-9A-Fa-f]{1,2})|([0-7]{1,3}))")
_LETTERS = {"n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "e": "\x1b", "E": "\x1b", "f": "\f", "v": "\v"}
_LAST_CHARACTER = 0x10FFFF


@dataclass(slots=True)
class ShellWords:
    """The words of a command without their quotes.

    `after`: the operator that ends it, such as `|`, or a line break; "" if the text ends with it. `variables`: the
    names of shell variables in it, which are kept as they are written.
    """

    words: list[str] = field(default_factory=list)
    after: str = ""
    variables: list[str] = field(default_factory=list)


def split_words(text: str) -> ShellWords:
    """Split the first command of a text. RelayError for open quotes, redirections and commands inside it."""
    result, at = ShellWords(), 0
    word: list[str] | None = None
    while at < len(text) and not result.after:
        if found := _continuation.match(text, at):
            at = found.end()
        elif text[at].isspace():
            _end_word(result, word)
            word, at = None, _after_blank(result, text, at)
        elif word is None and (found := _comment.match(text, at)):
            at = found.end()
        elif found := _operator.match(text, at):
            result.after = _ending(found[0], text, at)
        else:
            part, at = _part(result, text, at)
            word = word or []
            word.append(part)
    _end_word(result, word)
    return result


def _end_word(result: ShellWords, word: list[str] | None) -> None:
    if word is None:
        return
    if len(result.words) >= MAX_WORDS:
        raise RelayError(f"The command has more than {MAX_WORDS:,} words")
    result.words.append("".join(word).replace("\0", ""))


def _after_blank(result: ShellWords, text: str, at: int) -> int:
    """Return the place after white space. A line break ends the command, unless an option follows."""
    if found := _blank.match(text, at):
        return found.end()
    found = _lines.match(text, at)
    at = found.end() if found else at
    if result.words and at < len(text) and text[at] not in "-#":
        result.after = "\n"
    return at


def _ending(operator: str, text: str, at: int) -> str:
    """Return the operator that ends the command. RelayError for one that can't be left out."""
    if operator in "<>()":
        raise RelayError(f"{operator} is outside quotes. Remove what it does, or put the text into quotes.")
    if operator == "&" and text[at + 1 : at + 2].strip():
        raise RelayError("A & is outside quotes. Put the URL or the data into quotes.")
    return operator


def _part(result: ShellWords, text: str, at: int) -> tuple[str, int]:
    """Return the next part of a word without its quotes, and the place after it."""
    if found := _plain.match(text, at):
        return found[0], found.end()
    match text[at]:
        case "'":
            found = _quoted(_single.match(text, at), "'")
            return found[1], found.end()
        case '"':
            found = _quoted(_double.match(text, at), '"')
            return _double_quoted(result, found[1]), found.end()
        case "\\":
            return text[at + 1 : at + 2], at + 2
    if text.startswith("$'", at):
        found = _quoted(_ansi.match(text, at), "'")
        return _unescaped(found[1]), found.end()
    if text.startswith('$"', at):
        return "", at + 1
    if text.startswith(("$(", "`"), at):
        raise _inner_command()
    found = _variable.match(text, at)
    end = found.end() if found else at + 1
    _note_variables(result, text[at:end])
    return text[at:end], end


def _quoted(found: re.Match[str] | None, quote: str) -> re.Match[str]:
    if found is None:
        raise RelayError(f"A quote {quote} is opened and not closed. Copy the whole command.")
    return found


def _inner_command() -> RelayError:
    return RelayError("The command has another one inside it, as $(...) or `...`. Put its result in its place.")


def _double_quoted(result: ShellWords, text: str) -> str:
    if _substitution.search(_escaped_pair.sub("", text)):
        raise _inner_command()
    _note_variables(result, text)
    return _in_double.sub(lambda found: found[1] or "", text)


def _note_variables(result: ShellWords, text: str) -> None:
    for found in _variable.finditer(_escaped_pair.sub("", text)):
        if len(result.variables) >= MAX_VARIABLES:
            return
        if found[0] not in result.variables:
            result.variables.append(found[0])


def _unescaped(text: str) -> str:
    r"""Return the text of $'...': `\n`, `\x41`, `\u0041`. Halves of surrogate pairs, as browsers write, are joined."""
    joined = _escape.sub(_character, text)
    return joined.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _character(found: re.Match[str]) -> str:
    encoded, short, long, control, letter = found.groups()
    if encoded:
        values = (int(one[1], 16) if one[1] else int(one[2], 8) & 0xFF for one in _byte.finditer(encoded))
        return bytes(values).decode("utf-8", "replace")
    if short or long:
        number = int(short or long, 16)
        return chr(number) if number <= _LAST_CHARACTER else "\ufffd"
    if control:
        return chr(ord(control) & 0x1F)
    return _LETTERS.get(letter, letter if letter in "\\'\"?" else f"\\{letter}")
