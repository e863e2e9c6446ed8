"""`relay template render`: what templates become, through the fuel that deliveries have."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any

from relay.errors import RelayError, TemplateError
from relay.management import finding
from relay.management.command import RelayCommand
from relay.templating import JSON, Budget, compile_tree


class Command(RelayCommand):
    help = "Print what a template becomes for a context, within the limits that deliveries have. Sends nothing."
    needs_database = False

    def arguments(self, parser: ArgumentParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True, metavar="render")
        rendering = verbs.add_parser("render", help="render a template, or many")
        rendering.add_argument("file", metavar="FILE", nargs="?", default="-", help="default: standard input")
        rendering.add_argument("--context", metavar="FILE", help="a JSON object with the names that exist")
        many = 'FILE holds one {"id", "template", "context"} a line; print [{"id", "result"} or {"id", "error"}]'
        rendering.add_argument("--json", action="store_true", help=many)

    def run(self, options: dict[str, Any]) -> None:
        content = finding.content(options["file"])
        context = _context(options["context"])
        if options["json"]:
            lines = [line for line in content.splitlines() if line.strip()]
            self.say_json([_answer(line, context) for line in lines])
            return
        value = _rendered(content.decode("utf-8", "replace").removesuffix("\n"), context)
        if isinstance(value, str):
            self.say(value)
        else:
            self.say_json(value)


def _context(file: str | None) -> dict[str, Any]:
    return {} if file is None else _printable(_object(finding.content(file), f"{file} is not a JSON object"))


def _object(text: bytes, complaint: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise RelayError(complaint)
    return value


def _printable(value: Any) -> Any:
    """The value; TemplateError where it holds NaN, Infinity or 1e999, which Python writes and JSON can't hold."""
    try:
        json.dumps(value, allow_nan=False)
    except (ValueError, RecursionError):
        raise TemplateError("a number of the line or its context is too large for JSON, or none (NaN)") from None
    return value


def _rendered(template: JSON, context: dict[str, Any]) -> JSON:
    with Budget():
        return compile_tree(template).render(context)


def _answer(line: bytes, context: dict[str, Any]) -> dict[str, Any]:
    """The result or error of one line; nothing of it reaches the next."""
    number = None
    try:
        asked = _object(line, 'the line is not a JSON object with "id", "template" and "context"')
        number = _printable(asked.get("id"))
        return {"id": number, "result": _rendered(_template(_printable(asked)), {**context, **_names(asked)})}
    except RelayError as error:
        return {"id": number, "error": str(error)}


def _template(asked: dict[str, Any]) -> JSON:
    if "template" not in asked:
        raise TemplateError('the line has no "template"')
    return asked["template"]


def _names(asked: dict[str, Any]) -> dict[str, Any]:
    names = asked.get("context") or {}
    if not isinstance(names, dict):
        raise TemplateError("a context is a JSON object")
    return names
