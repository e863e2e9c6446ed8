"""Rewrites a Swagger 2 description in the form of OpenAPI 3, as far as requests are concerned."""

from __future__ import annotations

import json
from typing import Any

_OF_SCHEMA = (
    "type", "format", "items", "enum", "default", "minimum", "maximum", "minLength", "maxLength", "pattern",
    "minItems", "maxItems",
)  # fmt: skip
_FORM = "application/x-www-form-urlencoded"


def as_openapi(document: dict[str, Any]) -> dict[str, Any]:
    """The description in OpenAPI 3; one that is in that form already is returned as it is."""
    if "swagger" not in document:
        return document
    document = json.loads(json.dumps(document).replace("#/definitions/", "#/components/schemas/"))
    paths = {
        path: {
            method: _operation(document, operation) for method, operation in methods.items() if method != "parameters"
        }
        for path, methods in document["paths"].items()
    }
    for path, methods in document["paths"].items():
        if "parameters" in methods:
            paths[path]["parameters"] = [_parameter(one) for one in methods["parameters"]]
    schemes = {name: _scheme(scheme) for name, scheme in document.get("securityDefinitions", {}).items()}
    return {
        "openapi": "3.0.3",
        "info": document.get("info", {"title": "", "version": "1"}),
        "servers": [{"url": document.get("basePath") or ""}],
        "paths": paths,
        "components": {"schemas": document.get("definitions", {}), "securitySchemes": schemes},
        **({"security": document["security"]} if "security" in document else {}),
    }


def _operation(document: dict[str, Any], operation: dict[str, Any]) -> dict[str, Any]:
    parameters = [_behind(document, one) for one in operation.get("parameters", [])]
    result = {key: value for key, value in operation.items() if key in ("operationId", "security")}
    result["parameters"] = [_parameter(one) for one in parameters if one["in"] not in ("body", "formData")]
    result["responses"] = {"default": {"description": ""}}
    kinds = operation.get("consumes") or document.get("consumes") or ["application/json"]
    body = next((one for one in parameters if one["in"] == "body"), None)
    fields = [one for one in parameters if one["in"] == "formData"]
    if body is not None:
        content = {kind: {"schema": body["schema"]} for kind in kinds}
        result["requestBody"] = {"required": body.get("required", False), "content": content}
    elif fields:
        schema = {
            "type": "object",
            "properties": {one["name"]: _schema(one) for one in fields},
            "required": [one["name"] for one in fields if one.get("required")],
        }
        kinds = [kind for kind in kinds if kind != "multipart/form-data"] or [_FORM]
        result["requestBody"] = {"content": {kind: {"schema": schema} for kind in {*kinds, _FORM}}}
        if not schema["required"]:
            del schema["required"]
    return result


def _behind(document: dict[str, Any], parameter: dict[str, Any]) -> dict[str, Any]:
    name = parameter.get("$ref", "").rpartition("/")[2]
    found: dict[str, Any] = document["parameters"][name] if name else parameter
    return found


def _parameter(parameter: dict[str, Any]) -> dict[str, Any]:
    named = {key: parameter[key] for key in ("name", "in", "required", "description") if key in parameter}
    return {**named, "schema": _schema(parameter)}


def _schema(parameter: dict[str, Any]) -> dict[str, Any]:
    schema = {key: parameter[key] for key in _OF_SCHEMA if key in parameter}
    return {**schema, "type": "string", "format": "binary"} if schema.get("type") == "file" else schema


def _scheme(scheme: dict[str, Any]) -> dict[str, Any]:
    if scheme["type"] == "basic":
        return {"type": "http", "scheme": "basic"}
    if scheme["type"] == "apiKey":
        return {key: scheme[key] for key in ("type", "name", "in")}
    return {"type": "oauth2", "flows": {}}
