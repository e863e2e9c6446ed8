"""Parses templates, and words their faults with line and column."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from jinja2 import TemplateSyntaxError, nodes
from jinja2.lexer import TokenStream
from jinja2.parser import Parser

from relay.errors import FilterFault, RelayError, TemplateError, TemplateFault, TemplateLimit
from relay.templating.environment import ENVIRONMENT

MAX_SOURCE = 32 * 1024
# Words and signs within the braces of a template. Parsing and compiling takes about 20 us for each.
MAX_TOKENS = 2_000
_FREE = frozenset(("data", "whitespace", "comment"))
_NEWLINE = re.compile(r"\r\n|\r")
_WORDS = (
    (re.compile(r"unexpected end of template, expected 'end of print statement'\."), "the closing }} is missing"),
    (re.compile(r"unexpected end of template, expected 'end of statement block'\."), "the closing %} is missing"),
    (re.compile(r"expected token '(.+?)', got '(.*)'", re.DOTALL), r"expected '\1', found '\2'"),
    (
        re.compile(r"Unexpected end of template\. .*innermost block that needs to be closed is '(\w+)'\.", re.DOTALL),
        r"the text ends, but '\1' is not closed: {% end\1 %} is missing",
    ),
    (re.compile(r"Encountered unknown tag '(\w+)'\. .*", re.DOTALL), r"unexpected tag '\1'"),
    (re.compile(r"Encountered unknown tag '(\w+)'\."), r"there is no tag '\1'"),
    (re.compile(r"Expected an expression, got '(.*)'", re.DOTALL), r"unexpected '\1'"),
    (re.compile(r"unexpected char \"'\" at \d+"), "a text in quotes is not closed"),
    (re.compile(r"unexpected char '(.+?)' at \d+"), r"unexpected '\1'"),
    (re.compile(r"end of print statement"), "}}"),
    (re.compile(r"end of statement block"), "%}"),
    (re.compile(r"begin of statement block"), "{%"),
    (re.compile(r"unexpected end of template"), "the text ends too early"),
)


class _TokenReader:
    """Reads the tokens of a template, and remembers where the last one began."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._at = self._end = 0

    def tokens(self) -> Iterator[tuple[int, str, str]]:
        """Yields line, kind and text of each token. Raises TemplateLimit (`template size`) for too many."""
        count = 0
        for line, kind, raw in ENVIRONMENT.lexer.tokeniter(self._source, None):
            count += kind not in _FREE
            if count > MAX_TOKENS:
                raise TemplateLimit("template size", f"the template has more than {MAX_TOKENS} words and signs in {{}}")
            start = self._source.find(raw, self._end)
            self._at = start if start >= 0 else self._end
            self._end = self._at + len(raw)
            yield line, kind, raw
            self._at = self._end

    def column(self, line: int) -> int:
        """The column of the last token; 0 if it is not on that line."""
        before = self._source[: self._at]
        return self._at - before.rfind("\n") if before.count("\n") + 1 == line else 0


def words(source: str, most: int) -> int:
    """The number of words and signs in the braces of a template, up to `most`; those before the first fault."""
    counted = 0
    try:
        for _, kind, _ in ENVIRONMENT.lexer.tokeniter(source, None):
            counted += kind not in _FREE
            if counted >= most:
                break
    except TemplateSyntaxError:
        pass  # `parse` reports it.
    return counted


def parse(source: str) -> nodes.Template:
    """Parses a template. Raises TemplateFault, TemplateLimit (`template size`)."""
    if len(source) > MAX_SOURCE or len(source.encode("utf-8", "replace")) > MAX_SOURCE:
        raise TemplateLimit("template size", f"the template is longer than {MAX_SOURCE} bytes")
    source = _NEWLINE.sub("\n", source)
    trail = _TokenReader(source)
    try:
        parser = Parser(ENVIRONMENT, "")
        parser.stream = TokenStream(ENVIRONMENT.lexer.wrap(trail.tokens(), None, None), None, None)
        return parser.parse()
    except TemplateSyntaxError as error:
        raise _fault(error, trail) from error
    except Exception as error:
        raise as_template_error(error) from error


def _fault(error: TemplateSyntaxError, trail: _TokenReader) -> TemplateFault:
    message = (error.message or "the template is wrong").strip()
    for pattern, words in _WORDS:
        message = pattern.sub(words, message)
    return TemplateFault(message[:300], line=error.lineno, column=trail.column(error.lineno))


def with_column(fault: TemplateFault, source: str) -> TemplateFault:
    """The fault with the column of the word that it quotes, if the word occurs once in its line."""
    quoted = re.search(r"'(\w+)'|method (\w+)|\{% (\w+)|name (\w+)", str(fault))
    lines = _NEWLINE.sub("\n", source).split("\n")
    if fault.column or not quoted or not 0 < fault.line <= len(lines):
        return fault
    word = next(group for group in quoted.groups() if group)
    columns = [match.start() for match in re.finditer(rf"\b{word}\b", lines[fault.line - 1])]
    if len(columns) == 1:
        fault.column = columns[0] + 1
    return fault


def running_line(error: Exception, root: Callable[..., object]) -> int:
    """The line of the template at which its compiled code, `root`, raised the error; 0 if unknown."""
    names, trace, code_line = root.__globals__, error.__traceback__, 0
    while trace is not None:
        if trace.tb_frame.f_globals is names:
            code_line = trace.tb_lineno
        trace = trace.tb_next
    pairs = [tuple(map(int, pair.split("="))) for pair in names.get("debug_info", "").split("&") if pair]
    return max(((code, line) for line, code in pairs if code <= code_line), default=(0, 0))[1]


def with_position(fault: FilterFault, source: str, line: int) -> FilterFault:
    """The fault with line and column of its filter, as far as they are certain."""
    positions = list(_filter_positions(source, fault.filter))
    # A statement can span several lines: its filters are on its first line or below.
    candidates = (
        [position for position in positions if position[0] == line]
        or [position for position in positions if position[0] > line]
        or positions
    )
    if len(candidates) != 1:
        candidates = [(candidates[0][0] if len({line_ for line_, _ in candidates}) == 1 else line, 0)]
    return FilterFault(fault.message, filter=fault.filter, line=candidates[0][0], column=candidates[0][1])


def _filter_positions(source: str, name: str) -> Iterator[tuple[int, int]]:
    """Yields line and column of each `| name` and `map('name')`."""
    source = _NEWLINE.sub("\n", source)
    trail, before = _TokenReader(source), ""
    for line, _, raw in trail.tokens():
        if raw.strip("'\"") == name and before in ("|", "(", "filter"):
            yield line, trail.column(line)
        before = raw if raw.strip() else before


_LIMITS: tuple[tuple[type[Exception], str, str, str], ...] = (
    (RecursionError, "", "nesting", "the template or its values are nested too deeply"),
    (SyntaxError, "", "nesting", "the template can't be compiled: too many blocks within each other"),
    (OverflowError, "", "number size", "a number is too large"),
    (ValueError, "digits", "number size", "a whole number has too many digits"),
)


def as_template_error(error: Exception) -> RelayError:
    """Converts any exception of compiling or rendering to a TemplateError with a plain message.

    Raises a MemoryError unchanged, because its cause need not be the template.
    """
    if isinstance(error, MemoryError):
        raise error
    if isinstance(error, RelayError):
        return error
    if isinstance(error, TemplateSyntaxError):
        return TemplateFault((error.message or "the template is wrong")[:300], line=error.lineno)
    for kind, word, limit, message in _LIMITS:
        if isinstance(error, kind) and word in str(error):
            return TemplateLimit(limit, message)
    if isinstance(error, ValueError) and "unpack" in str(error):
        return TemplateError("an element doesn't have as many parts as the loop or set has names")
    return TemplateError("values of these kinds can't be used together like this")
