"""Alpaca's OpenAPI documents as JSON Schema that also refuses what they do not name."""

import copy
from pathlib import Path

import yaml
from jsonschema import Draft202012Validator, FormatChecker

from exceptions import ADDITIONS, CORRECTIONS

METHODS = ("get", "post", "put", "patch", "delete")
COMPOSITIONS = ("allOf", "oneOf", "anyOf")

formats = FormatChecker(formats=())


@formats.checks("uuid", raises=ValueError)
def is_uuid(text) -> bool:
    import uuid

    return not isinstance(text, str) or str(uuid.UUID(text)) == text


@formats.checks("date-time", raises=ValueError)
def is_instant(text) -> bool:
    from datetime import datetime

    if not isinstance(text, str):
        return True
    whole, _, rest = text.partition(".")
    offset = rest.lstrip("0123456789") if rest else ""
    return datetime.fromisoformat((whole + offset).replace("Z", "+00:00")).tzinfo is not None


@formats.checks("date", raises=ValueError)
def is_date(text) -> bool:
    from datetime import date

    return not isinstance(text, str) or date.fromisoformat(text) is not None


@formats.checks("decimal")
def is_decimal(text) -> bool:
    return not isinstance(text, str) or text.lstrip("-").replace(".", "", 1).isdigit()


class Description:
    """One OpenAPI document: its operations, and a validator for each answer that it describes."""

    def __init__(self, file: Path):
        self.name = file.name.split(".")[0]
        document = yaml.safe_load(file.read_text())
        self._correct(document)
        # Objects in a composition know only their own part of the fields, so that the whole is closed instead.
        self._root = {
            "components": {"schemas": _closed_all(document["components"]["schemas"], part=False)},
            "parts": _closed_all(document["components"]["schemas"], part=True),
        }
        self._responses = document["components"].get("responses", {})
        self.operations = {
            operation["operationId"]: operation
            for path in document["paths"].values()
            for method, operation in path.items()
            if method in METHODS
        }
        self._validators = {}

    def _correct(self, document: dict) -> None:
        for correction in CORRECTIONS:
            if correction.document == self.name:
                correction.apply(document)
        for addition in ADDITIONS:
            if addition.document == self.name:
                schema = document["components"]["schemas"][addition.schema]
                schema.setdefault("properties", {}).setdefault(addition.field, addition.shape)

    def answer(self, operation_id: str, status: int) -> dict | None:
        """What the document says of an operation's answer with that status; `None` if it says nothing."""
        answer = self.operations[operation_id]["responses"].get(str(status))
        if answer and "$ref" in answer:
            answer = self._responses[answer["$ref"].rsplit("/", 1)[1]]
        return answer

    def validator(self, operation_id: str, status: int) -> Draft202012Validator | None:
        """For the JSON body of that answer; `None` if the document describes none."""
        key = (operation_id, status)
        if key not in self._validators:
            content = (self.answer(operation_id, status) or {}).get("content", {})
            schema = content.get("application/json", {}).get("schema")
            self._validators[key] = schema and self.of(schema)
        return self._validators[key]

    def of(self, schema: dict) -> Draft202012Validator:
        """A validator for a schema that refers to this document's."""
        return Draft202012Validator({**self._root, **_closed(schema, part=False)}, format_checker=formats)


def _closed_all(schemas: dict, part: bool) -> dict:
    return {name: _closed(schema, part) for name, schema in schemas.items()}


def _closed(schema, part: bool):
    """The schema in the words of JSON Schema 2020-12, refusing fields that it does not name. A part of a composition leaves that
    to the whole."""
    if not isinstance(schema, dict):
        return schema
    schema = copy.copy(schema)
    for word in ("example", "examples", "default", "x-stoplight", "discriminator", "xml"):
        schema.pop(word, None)
    if "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[1]
        schema["$ref"] = f"#/parts/{name}" if part else f"#/components/schemas/{name}"
    # OpenAPI 3.0.
    if schema.pop("nullable", False):
        if "$ref" in schema:
            return {"anyOf": [schema, {"type": "null"}]}
        if isinstance(schema.get("type"), str):
            schema["type"] = [schema["type"], "null"]
        if "enum" in schema and None not in schema["enum"]:
            schema["enum"] = [*schema["enum"], None]
    for bound, exclusive in (("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")):
        if schema.get(exclusive) is True:
            schema[exclusive] = schema.pop(bound)
        elif schema.get(exclusive) is False:
            del schema[exclusive]
    composed = False
    for word in COMPOSITIONS:
        if word in schema:
            schema[word] = [_closed(branch, part=True) for branch in schema[word]]
            composed = True
    if "properties" in schema:
        schema["properties"] = {name: _closed(each, False) for name, each in schema["properties"].items()}
    for word in ("items", "additionalProperties", "not"):
        if word in schema:
            schema[word] = _closed(schema[word], False)
    open_map = "additionalProperties" in schema or "patternProperties" in schema
    if not part and not open_map and ("properties" in schema or composed):
        schema["unevaluatedProperties"] = False
    return schema
