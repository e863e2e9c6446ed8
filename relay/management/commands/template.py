"""`relay template render` renders templates within the limits of deliveries."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any

from relay.bodies import numerals
from relay.errors import RelayError, TemplateError
from relay.management import lookups
from relay.management.command import RelayCommand
from relay.templating import JSON, Budget, compile_tree


class Command(RelayCommand):
    help = "Print the result of a template, within the limits of deliveries. Sends nothing."
    needs_database = False

    def arguments(self, parser: ArgumentParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True, metavar="render")
        rendering = verbs.add_parser("render", help="render one template or several")
        rendering.add_argument("file", metavar="FILE", nargs="?", default="-", help="default: standard input")
        rendering.add_argument("--context", metavar="FILE", help="a JSON object with the names that exist")
        json_help = 'FILE holds one {"id", "template", "context"} a line; print [{"id", "result"} or {"id", "error"}]'
        rendering.add_argument("--json", action="store_true", help=json_help)

    def run(self, options: dict[str, Any]) -> None:
        content = lookups.content(options["file"])
        context = _context(options["context"])
        if options["json"]:
            lines = [line for line in content.splitlines() if line.strip()]
            self.say_json([_answer(line, context) for line in lines])
            return
        value = _render(content.decode("utf-8", "replace").removesuffix("\n"), context)
        if isinstance(value, str):
            self.say(value)
        else:
            self.say_json(value)


def _context(file: str | None) -> dict[str, Any]:
    return {} if file is None else _printable(_object(lookups.content(file), f"{file} is not a JSON object"))


def _object(text: bytes, message: str) -> dict[str, Any]:
    try:
        value = numerals.loads(text)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise RelayError(message)
    return value


def _printable(value: Any) -> Any:
    """Return the value; raises TemplateError for NaN, Infinity or 1e999, which Python reads but JSON doesn't allow."""
    try:
        json.dumps(value, allow_nan=False)
    except (ValueError, RecursionError):
        raise TemplateError("a number of the line or its context is too large for JSON, or none (NaN)") from None
    return value


def _render(template: JSON, context: dict[str, Any]) -> JSON:
    with Budget():
        return compile_tree(template).render(context)


def _answer(line: bytes, context: dict[str, Any]) -> dict[str, Any]:
    """Return the result or error of one line; lines don't affect each other."""
    number = None
    try:
        line_object = _object(line, 'the line is not a JSON object with "id", "template" and "context"')
        number = _printable(line_object.get("id"))
        return {"id": number, "result": _render(_template(_printable(line_object)), {**context, **_names(line_object)})}
    except RelayError as error:
        return {"id": number, "error": str(error)}


def _template(line_object: dict[str, Any]) -> JSON:
    if "template" not in line_object:
        raise TemplateError('the line has no "template"')
    return line_object["template"]


def _names(line_object: dict[str, Any]) -> dict[str, Any]:
    names = line_object.get("context") or {}
    if not isinstance(names, dict):
        raise TemplateError("a context is a JSON object")
    return names
