"""Lists the files that a field of the open step can send: files of the chosen event and of earlier steps."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from relay.connectors import registry
from relay.connectors.multipart_body import is_file
from relay.engine.files import downloads
from relay.engine.preview.preview import KnownData
from relay.flows import surroundings
from relay.models import Event
from relay.web.runs import narrative

MAX_FILES = 100  # of one event or step
_DOWNLOADS = "http.request"


@dataclass(frozen=True, slots=True)
class FileChoice:
    """A file to choose. `value`: the expression that a field gets."""

    value: str
    label: str


@dataclass(frozen=True, slots=True)
class FileGroup:
    """The files of the event, or of one step."""

    label: str
    choices: list[FileChoice] = field(default_factory=list)


def needs_files(step: dict[str, Any]) -> bool:
    """Whether the form of a step has a field that takes a file."""
    known = registry.known(step.get("action"))
    inputs = step.get("inputs")
    body = inputs.get("body") if isinstance(inputs, dict) else None
    takes_file = known is not None and any(one.kind == "file" for one in known[1].inputs)
    return takes_file or (isinstance(body, dict) and "file" in body)


def offered(document: dict[str, Any], step_id: str, event: Event | None, known: KnownData) -> list[FileGroup]:
    """The files to choose for a step. An event without files still offers the expression for its first file."""
    items = [FileChoice(f"{{{{ {name} }}}}", _name(item)) for name, item in known.items.items() if is_file(item)]
    records = downloads.of_event(event)[:MAX_FILES] if event is not None else []
    groups = [FileGroup("The item of the loop", items)] if items else []
    groups.append(FileGroup("The event", _of("event", records) or [_first("event", "The first file of the event")]))
    around = surroundings.find(document, step_id)
    for step in around.before if around is not None else ():
        path = f"steps.{step['id']}"
        name = step.get("name") if isinstance(step.get("name"), str) else ""
        files = known.outputs.get(step["id"], {}).get("files")
        if isinstance(files, list) and files:
            groups.append(FileGroup(name or narrative.does(step), _of(path, files[:MAX_FILES])))
        elif _may_download(step):
            groups.append(FileGroup(name or narrative.does(step), [_first(path, "The file that it downloads")]))
    return groups


def _of(path: str, records: list[Any]) -> list[FileChoice]:
    return [
        FileChoice(f"{{{{ {path}.files[{number}] }}}}", f"{number + 1}. {_name(record)}")
        for number, record in enumerate(records)
    ]


def _name(record: Any) -> str:
    return (str(record.get("name", "")) if isinstance(record, dict) else "") or "A file"


def _first(path: str, label: str) -> FileChoice:
    return FileChoice(f"{{{{ {path}.files[0] }}}}", label)


def _may_download(step: dict[str, Any]) -> bool:
    known = registry.known(step.get("action"))
    return known is not None and (
        step.get("action") == _DOWNLOADS or any(output.kind == "file" for output in known[1].outputs)
    )
