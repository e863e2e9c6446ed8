"""`relay connectors` lists the services that flows can call, or that can send events to flows."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from relay.connectors import registry
from relay.connectors.conformance.samples import sample_of
from relay.connectors.definition import Action, Connector, Field, Output, Preset
from relay.connectors.examples.loader import list_examples
from relay.connectors.limits import limit_text
from relay.connectors.service_page import service_page
from relay.management.command import RelayCommand


class Command(RelayCommand):
    help = "List the connectors: their actions with inputs and outputs, and the presets of senders."
    needs_database = False

    def arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("keys", nargs="*", metavar="KEY", help="only these connectors, with their inputs")
        form = parser.add_mutually_exclusive_group()
        form.add_argument("--json", action="store_true", help="print JSON")
        form.add_argument("--markdown", action="store_true", help="print the page docs/services.md")

    def run(self, options: dict[str, Any]) -> None:
        chosen = [registry.connector(key) for key in options["keys"]] or registry.list_connectors()
        if options["json"]:
            self.say_json([_connector(connector) for connector in chosen])
        elif options["markdown"]:
            self.stdout.write(service_page(chosen), ending="")
        elif options["keys"]:
            for connector in chosen:
                self._show(connector)
        else:
            self.say_table(
                ("CONNECTOR", "LABEL", "AUTH", "ACTIONS", "PRESETS"),
                [(one.key, one.label, one.auth_kind, _keys(one.actions), _keys(one.presets)) for one in chosen],
            )

    def _show(self, connector: Connector) -> None:
        self.say(f"\n{connector.label} ({connector.key})")
        for action in connector.actions:
            often = "may run twice" if action.repeatable else "runs at most once"
            self.say(f"\n{connector.key}.{action.key}  {action.label}; {often}; proof: {action.proof}")
            self.say_table(
                ("INPUT", "LABEL", "KIND", "REQUIRED", "LIMIT"),
                [
                    (field.key, field.label, field.kind, "yes" if field.required else "", limit_text(field))
                    for field in action.inputs
                ],
            )
        if connector.presets:
            self.say("")
            self.say_table(("PRESET", "LABEL"), [(preset.key, preset.label) for preset in connector.presets])


def _connector(connector: Connector) -> dict[str, Any]:
    return {
        "key": connector.key,
        "label": connector.label,
        "auth": connector.auth_kind,
        "actions": [_action(action) for action in connector.actions],
        "presets": [_preset(preset) for preset in connector.presets],
    }


def _action(action: Action) -> dict[str, Any]:
    return {
        "key": action.key,
        "label": action.label,
        "repeatable": action.repeatable,
        "proof": action.proof,
        "inputs": [_field(field) for field in action.inputs],
        "outputs": [_output(output) for output in action.outputs],
    }


def _field(field: Field) -> dict[str, Any]:
    """A field with the limits that it has; `fields` are the parts of an object or of a row."""
    limits = {
        "help": field.help,
        "default": field.default,
        "options": list(field.options),
        "minimum": field.minimum,
        "maximum": field.maximum,
        "max_items": field.max_items,
        "pattern": field.pattern,
        "excludes": field.excludes,
        "when": {"field": field.when[0], "values": list(field.when[1])} if field.when else None,
        "fields": [_field(part) for part in field.fields],
    }
    return {
        "key": field.key,
        "label": field.label,
        "kind": field.kind,
        "required": field.required,
        "example": sample_of(field),
        "max_length": field.max_length,
        **{name: value for name, value in limits.items() if value not in (None, "", [])},
    }


def _output(output: Output) -> dict[str, Any]:
    return {"key": output.key, "label": output.label, "path": output.path}


def _preset(preset: Preset) -> dict[str, Any]:
    """A preset; `samples` are the stored examples of its events, with the type and the whole event of each."""
    samples = [
        {"name": example.name, "type": example.event, "event": example.as_event()}
        for example in list_examples(preset.key)
    ]
    return {"key": preset.key, "label": preset.label, "samples": samples}


def _keys(records: tuple[Action, ...] | tuple[Preset, ...]) -> str:
    return ", ".join(record.key for record in records)
