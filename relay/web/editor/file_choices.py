"""Lists the files that a field of the open step can send: those of the last event, and of earlier steps."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import takewhile
from typing import Any

from relay.connectors import registry
from relay.engine.files import downloads
from relay.engine.preview import last_answers
from relay.flows import nesting
from relay.models import Event, Flow
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


def offered(flow: Flow, document: dict[str, Any], step_id: str, event: Event | None) -> list[FileGroup]:
    """The files to choose for a step. Without a file in the last event, its first one is offered all the same."""
    records = downloads.of_event(event)[:MAX_FILES] if event is not None else []
    groups = [FileGroup("The event", _of("event", records) or [_first("event", "The first file of the event")])]
    answers = last_answers.outputs(flow)
    for step in takewhile(lambda one: one["id"] != step_id, nesting.top(document)):
        path = f"steps.{step['id']}"
        name = step.get("name") if isinstance(step.get("name"), str) else ""
        files = (answers.get(step["id"]) or {}).get("files")
        if isinstance(files, list) and files:
            groups.append(FileGroup(name or narrative.does(step), _of(path, files[:MAX_FILES])))
        elif _may_download(step):
            groups.append(FileGroup(name or narrative.does(step), [_first(path, "The file that it downloads")]))
    return groups


def _of(path: str, records: list[Any]) -> list[FileChoice]:
    names = [str(one.get("name", "")) if isinstance(one, dict) else "" for one in records]
    return [
        FileChoice(f"{{{{ {path}.files[{number}] }}}}", f"{number + 1}. {name or 'A file'}")
        for number, name in enumerate(names)
    ]


def _first(path: str, label: str) -> FileChoice:
    return FileChoice(f"{{{{ {path}.files[0] }}}}", label)


def _may_download(step: dict[str, Any]) -> bool:
    known = registry.known(step.get("action"))
    return known is not None and (
        step.get("action") == _DOWNLOADS or any(output.kind == "file" for output in known[1].outputs)
    )
