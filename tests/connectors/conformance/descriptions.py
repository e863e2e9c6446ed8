"""Validates requests against published descriptions of services, and against those in the folder `services`.

Published descriptions are not a part of this project; they are read from a folder beside the checkout. A file in
`services` describes what has no published description, in the same form, with the address that it was read from.
"""

from __future__ import annotations

import io
import json
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple, cast
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import msgspec
import multipart  # type: ignore[import-untyped]
import pytest
import yaml
from openapi_core import Config, OpenAPI
from openapi_core.datatypes import RequestParameters
from openapi_core.exceptions import OpenAPIError
from werkzeug.datastructures import Headers, ImmutableMultiDict

from relay.connectors.definition import Connector
from relay.outbound import Request
from tests.connectors.conformance.swagger import as_openapi

PUBLISHED = Path(__file__).parents[3].parent / "shared" / "facts" / "specs"
SERVICES = Path(__file__).parent / "services"
NOT_THERE = f"the published descriptions are not beside this checkout, in {PUBLISHED.parts[-3]}/facts/specs"
FORM = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data"
BASE = "http://description.invalid"
_ANY = "\N{OBJECT REPLACEMENT CHARACTER}"
METHODS = ("get", "post", "put", "patch", "delete", "head")


@dataclass(frozen=True)
class Description:
    """A description. `name`: of its file. `bases`: patterns of what is before its paths. `hosts`: () if it has none.

    `source`: where an own one was read. `deviations`: parts of errors that the service itself contradicts.
    `has_json_as_query`: whether the service takes the described query as JSON too.
    """

    name: str
    document: dict[str, Any]
    bases: tuple[str, ...]
    hosts: tuple[str, ...]
    source: str = ""
    deviations: tuple[str, ...] = ()
    has_json_as_query: bool = False

    @property
    def is_published(self) -> bool:
        return not self.source


class Operation(NamedTuple):
    """A method and a path of a description. `path`: with names in braces; `rest`: the path that was matched."""

    description: Description
    method: str
    path: str
    rest: str

    @property
    def own(self) -> dict[str, Any]:
        found: dict[str, Any] = self.description.document["paths"][self.path][self.method]
        return found


def own_file(key: str) -> dict[str, Any]:
    """What the file of a service in `services` says; {} without one."""
    path = SERVICES / f"{key}.json"
    return json.loads(path.read_text()) if path.exists() else {}


@cache
def of_service(key: str) -> tuple[Description, ...]:
    """The descriptions of a service: published ones by the name of their file, then its own one."""
    named = sorted(path for path in PUBLISHED.glob("*.json") if re.fullmatch(rf"{re.escape(key)}(_\w+)?", path.stem))
    own = own_file(key)
    found = [described_by(path.name, as_openapi(json.loads(path.read_text())), own) for path in named]
    if "paths" in own:
        document = {"openapi": "3.1.0", "info": {"title": key, "version": "1"}, **own}
        found.append(replace(described_by(f"own {key}.json", document, own), source=own["source"]))
    return tuple(found)


def described_by(name: str, document: dict[str, Any], own: dict[str, Any]) -> Description:
    urls = [server.get("url", "") for server in document.get("servers", [])] or [""]
    bases = [urlsplit(re.sub(r"\{[^}]*\}", _ANY, url)).path.rstrip("/") for url in urls]
    fixed = [urlsplit(url).netloc for url in urls if "{" not in url and "localhost" not in url]
    return Description(
        name,
        {**document, "servers": [{"url": BASE}]},
        tuple(dict.fromkeys(re.escape(base).replace(_ANY, "[^/]*") for base in bases)),
        tuple(host for host in fixed if host) if len(fixed) == len(urls) else (),
        deviations=tuple(one["error"] for one in own.get("deviations", ())),
        has_json_as_query="json_as_query" in own,
    )


def operation_of(connector: Connector, request: Request) -> Operation | None:
    """The operation that describes a request, in the first description that has it; None without any."""
    path, method = urlsplit(request.url).path, request.method.lower()
    return next(
        (
            Operation(description, method, described, path[match.end() :])
            for description in of_service(connector.key)
            for base in description.bases
            if (match := re.match(rf"{base}(?=/)", path))
            for described in sorted(description.document["paths"], key=lambda one: one.count("{"))
            if method in description.document["paths"][described]
            and re.fullmatch(_pattern(described), path[match.end() :])
        ),
        None,
    )


@cache
def _pattern(described: str) -> str:
    return re.sub(r"\\\{[^}]*\\\}", "[^/]+", re.escape(described)).removesuffix("/") + "/?"


class _Sent:
    """A request as openapi-core reads it. A form is given as JSON, since only that can be nested."""

    host_url = BASE
    path_pattern = None

    def __init__(self, request: Request, operation: Operation) -> None:
        self.path, self.method = operation.rest, operation.method
        query = parse_qsl(urlsplit(request.url).query, keep_blank_values=True)
        headers = Headers(list(request.headers.items()))
        self.parameters = RequestParameters(query=ImmutableMultiDict(query), header=headers, cookie={}, path={})
        self.content_type, self.body = _media_type(request), request.body
        if self.content_type in (FORM, MULTIPART):
            schema = schema_of(operation, self.content_type)
            tree = cast_to(operation.description.document, schema, form_of(request))
            self.content_type, self.body = "application/json", json.dumps(tree).encode()


def _message(error: Any) -> str:
    """The message of jsonschema, which begins with the value, without a long value."""
    value = repr(error.instance)
    return str(error.message) if len(value) < 100 else str(error.message).replace(value, "the value")


def _as_described(request: Request, operation: Operation) -> Request:
    """The request with the names of its JSON in its query, if the description has them there."""
    if not operation.description.has_json_as_query or "requestBody" in operation.own or not request.body:
        return request
    pairs = [(name, item) for name, value in json.loads(request.body).items() for item in _listed(value)]
    texts = [(name, item if isinstance(item, str) else json.dumps(item)) for name, item in pairs]
    mark = "&" if urlsplit(request.url).query else "?"
    return msgspec.structs.replace(request, url=request.url + mark + urlencode(texts), body=None)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _media_type(request: Request) -> str:
    kind = next((value for name, value in request.headers.items() if name.lower() == "content-type"), "")
    return kind.partition(";")[0].strip().lower()


@cache
def validator_of(description_name: str, key: str) -> OpenAPI:
    (description,) = (one for one in of_service(key) if one.name == description_name)
    document = json.loads(json.dumps(description.document))
    for path in document["paths"].values():
        for method in METHODS:
            content = path.get(method, {}).get("requestBody", {}).get("content", {})
            for kind in (FORM, MULTIPART):
                if kind in content:
                    content.setdefault("application/json", {"schema": content[kind]["schema"]})
    return OpenAPI.from_dict(document, config=Config(spec_validator_cls=None))


def faults(connector: Connector, request: Request, operation: Operation) -> list[str]:
    """What a description says against a request: openapi-core's errors, another host, and names that it lacks."""
    found = []
    host = urlsplit(request.url).netloc
    if operation.description.hosts and host not in operation.description.hosts:
        found.append(f"host: {host} is not described")
    request = _as_described(request, operation)
    try:
        with warnings.catch_warnings():
            # It checks no OAuth 2; it says so for each request.
            warnings.filterwarnings("ignore", "Unsupported scheme type")
            warnings.filterwarnings("ignore", "Use of allowEmptyValue property is deprecated")
            validator_of(operation.description.name, connector.key).validate_request(
                cast(Any, _Sent(request, operation))
            )
    except OpenAPIError as error:
        found += list(_causes(error))
    found += _unknown_names(request, operation)
    return [text for text in found if not any(part in text for part in operation.description.deviations)]


def _causes(error: BaseException) -> Iterator[str]:
    cause = error.__cause__
    inner = list(getattr(cause, "schema_errors", ()))
    if inner:
        yield from (f"{'.'.join(map(str, one.absolute_path))}: {_message(one)}"[:300] for one in inner)
    else:
        yield f"{type(error).__name__}: {error}" + (f": {cause}"[:300] if cause else "")


def _unknown_names(request: Request, operation: Operation) -> list[str]:
    document = operation.description.document
    shared = document["paths"][operation.path].get("parameters", [])
    parameters = [_resolved(document, one) for one in [*shared, *operation.own.get("parameters", [])]]
    schemes = document.get("components", {}).get("securitySchemes", {}).values()
    known = {one["name"] for one in [*parameters, *schemes] if one.get("in") == "query"}
    sent = parse_qs(urlsplit(request.url).query, keep_blank_values=True)
    found = [f"query: {name} is not described" for name in sent if not {name, re.sub(r"\[.*", "", name)} & known]
    kind = _media_type(request)
    if request.body and kind in (FORM, MULTIPART):
        found += unknown(document, schema_of(operation, kind), form_of(request))
    elif request.body and kind == "application/json" and (schema := schema_of(operation, kind)):
        found += unknown(document, schema, json.loads(request.body))
    return found


def schema_of(operation: Operation, kind: str) -> dict[str, Any]:
    content = _resolved(operation.description.document, operation.own.get("requestBody", {})).get("content", {})
    found: dict[str, Any] = content.get(kind, {}).get("schema", {})
    return found


def _resolved(document: dict[str, Any], schema: Any) -> dict[str, Any]:
    """A schema, parameter or body behind its reference."""
    for _ in range(20):
        if not isinstance(schema, dict) or "$ref" not in schema:
            break
        target: Any = document
        for name in schema["$ref"].removeprefix("#/").split("/"):
            target = target[name.replace("~1", "/").replace("~0", "~")]
        schema = target
    return schema if isinstance(schema, dict) else {}


def alternatives(document: dict[str, Any], schema: Any, depth: int = 0) -> Iterator[dict[str, Any]]:
    """Yields a schema and those that it is combined of."""
    schema = _resolved(document, schema)
    yield schema
    for word in ("allOf", "anyOf", "oneOf"):
        for inner in schema.get(word, ()) if depth < 12 else ():
            yield from alternatives(document, inner, depth + 1)


def unknown(document: dict[str, Any], schema: Any, value: Any, place: str = "body") -> Iterator[str]:
    """Yields the names of a value that a schema does not have. It may allow any name, if it says so or names none."""
    parts = list(alternatives(document, schema))
    if isinstance(value, list):
        items = [part["items"] for part in parts if "items" in part]
        for index, item in enumerate(value):
            if items:
                yield from unknown(document, {"anyOf": items}, item, f"{place}.{index}")
    if not isinstance(value, dict):
        return
    known: dict[str, list[Any]] = {}
    for part in parts:
        for name, inner in part.get("properties", {}).items():
            known.setdefault(name, []).append(inner)
    is_open = not known or any(part.get("additionalProperties") or part.get("patternProperties") for part in parts)
    for name, inner_value in value.items():
        if name in known:
            yield from unknown(document, {"anyOf": known[name]}, inner_value, f"{place}.{name}")
        elif not is_open:
            yield f"{place}: {name} is not described"


def form_of(request: Request) -> dict[str, Any]:
    """The fields of a form of either type. A file is the text `file` and its name."""
    kind = next((value for name, value in request.headers.items() if name.lower() == "content-type"), "")
    if not kind.startswith(MULTIPART):
        return nested(request.body or b"")
    _, options = multipart.parse_options_header(kind)
    form: dict[str, Any] = {}
    for part in multipart.MultipartParser(io.BytesIO(request.body or b""), options["boundary"]):
        value: Any = f"file {part.filename}" if part.filename else part.value
        if part.content_type == "application/json":
            value = json.loads(value)
        form[part.name] = value if part.name not in form else [*_listed(form[part.name]), value]
    return form


def nested(body: bytes) -> dict[str, Any]:
    """The fields of a form as a tree: `a[b][0]=1` is {"a": {"b": ["1"]}}."""
    tree: dict[str, Any] = {}
    for name, value in parse_qsl(body.decode(), keep_blank_values=True):
        keys = re.findall(r"[^\[\]]+", name)
        place = tree
        for key in keys[:-1]:
            place = place.setdefault(key, {})
        place[keys[-1]] = value
    return {name: _as_list(value) for name, value in tree.items()}


def _as_list(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    inner = {key: _as_list(item) for key, item in value.items()}
    return list(inner.values()) if inner and all(key.isdecimal() for key in inner) else inner


def cast_to(document: dict[str, Any], schema: Any, value: Any) -> Any:
    """The texts of a form as the types of their schema: a service reads "1" where a number is described."""
    parts = list(alternatives(document, schema))
    if isinstance(value, list):
        return [cast_to(document, {"anyOf": [p["items"] for p in parts if "items" in p]}, item) for item in value]
    if isinstance(value, dict):
        inner = {name: [p["properties"][name] for p in parts if name in p.get("properties", {})] for name in value}
        return {name: cast_to(document, {"anyOf": inner[name]}, item) for name, item in value.items()}
    types = {one for part in parts for one in _types(part)}
    if "string" not in types and types & {"integer", "number"} and re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", value):
        return float(value) if "." in value else int(value)
    if "string" not in types and "boolean" in types and value in ("true", "false"):
        return value == "true"
    return value


def _types(schema: dict[str, Any]) -> list[str]:
    found = schema.get("type", [])
    return found if isinstance(found, list) else [found]


def recordings_of(key: str, request: Request) -> list[str]:
    """The bodies of recorded requests of a service with the method and the path of a request."""
    cassettes = list(PUBLISHED.glob(f"{key}_cassettes/*.yaml"))
    exchanges = [one["request"] for path in cassettes for one in yaml.safe_load(path.read_text())["interactions"]]
    wanted = (request.method, _without_ids(request.url))
    return [one["body"] for one in exchanges if (one["method"], _without_ids(one["uri"])) == wanted and one["body"]]


def _without_ids(url: str) -> str:
    """The URL without what is after the prefix of an id: shp_1657 and shp_4f53 are both shp_."""
    parts = urlsplit(url)
    return parts.netloc + "/".join(re.sub(r"_[0-9a-zA-Z]+$", "_", part) for part in parts.path.split("/"))


def names_in(value: Any) -> set[str]:
    """Every name in a JSON value, at all levels."""
    if isinstance(value, list):
        return {name for item in value for name in names_in(item)}
    return {*value, *(name for item in value.values() for name in names_in(item))} if isinstance(value, dict) else set()


def published_or_skip() -> None:
    """Skips a test that needs published descriptions where there are none."""
    if not PUBLISHED.exists():
        pytest.skip(NOT_THERE)
