"""JSON Schema (2020-12) of records as `engine.report.exports.numbers.plain` writes them.

Written here because a schema that pydantic makes says that a number is a number, where `plain` writes null for one that
cannot be estimated, and because it has no arrays.
"""

from __future__ import annotations

import dataclasses
import re
import types
import typing
from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import Enum
from pathlib import Path
from typing import Any, Literal

import numpy as np

from engine.storage import SCHEMA_VERSION

DIALECT = "https://json-schema.org/draft/2020-12/schema"
Node = dict[str, Any]
Fields = Mapping[str, Any]
"""Name → type of what an object holds."""

PLAIN: Mapping[Any, Node] = {
    str: {"type": "string"},
    bool: {"type": "boolean"},
    int: {"type": "integer"},
    float: {"type": ["number", "null"]},  # NaN is written as null
    datetime: {"type": "string"},
    Path: {"type": "string"},
    type(None): {"type": "null"},
    Any: {},
    object: {},
}
_ATTRIBUTE = re.compile(r"^\s{4,}(\w+): (.*(?:\n\s{8,}(?!\w+: ).*)*)", re.MULTILINE)


def schema_of(document: Fields, name: str) -> Node:
    """Return the schema of a document.

    Args:
        document: What stands at its top: name → type.
        name: Of the document; with the version it is in the schema's id.
    """
    definitions: dict[str, Node] = {}
    properties = {each: _node(hint, definitions) for each, hint in document.items()}
    top = _object({"schema_version": {"const": SCHEMA_VERSION}, **properties})
    top["additionalProperties"] = True  # a later release may say more
    about = {"$schema": DIALECT, "$id": f"urn:overread:schema:{name}:{SCHEMA_VERSION}", "title": name}
    return {**about, **top, "$defs": definitions}


def _node(hint: Any, definitions: dict[str, Node]) -> Node:
    if hint in PLAIN:
        return dict(PLAIN[hint])
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is Literal:
        return {"enum": list(arguments)}
    if origin in (typing.Union, types.UnionType):
        return {"anyOf": [_node(each, definitions) for each in arguments]}
    if origin is np.ndarray:
        return {"type": "array"}
    if origin is tuple and arguments[-1:] != (...,):
        items = [_node(each, definitions) for each in arguments]
        return {"type": "array", "prefixItems": items, "minItems": len(items), "maxItems": len(items)}
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return {"type": "object", "additionalProperties": _node(arguments[1], definitions)}
    if isinstance(origin, type) and issubclass(origin, Sequence):
        return {"type": "array", "items": _node(arguments[0], definitions)}
    if isinstance(hint, type) and issubclass(hint, Enum):
        return {"enum": [each.value for each in hint]}
    if dataclasses.is_dataclass(hint) or typing.is_typeddict(hint):
        return _reference(hint, definitions)
    raise TypeError(f"no JSON Schema is known for {hint!r}: add it to {__name__}")


def _reference(record: Any, definitions: dict[str, Node]) -> Node:
    name = record.__name__
    if name in definitions and definitions[name]["$comment"] != record.__module__:
        name = f"{record.__module__}.{name}"
    if name not in definitions:
        definitions[name] = {
            "$comment": record.__module__
        }  # before it is followed: a record may hold its own kind
        definitions[name] |= _record(record, definitions)
    return {"$ref": f"#/$defs/{name}"}


def _record(record: Any, definitions: dict[str, Node]) -> Node:
    told = {name: " ".join(words.split()) for name, words in _ATTRIBUTE.findall(record.__doc__ or "")}
    return _object(
        {
            name: _node(hint, definitions) | ({"description": told[name]} if name in told else {})
            for name, hint in fields_of(record).items()
        }
    )


def _object(properties: dict[str, Node]) -> Node:
    """Describe an object; what stands beside its fields is no part of it, so that one that is misspelt is noticed."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def fields_of(record: Any) -> dict[str, Any]:
    """Return the fields of a dataclass or of a TypedDict: name → type."""
    hints = typing.get_type_hints(record)
    if not dataclasses.is_dataclass(record):
        return hints
    return {each.name: hints[each.name] for each in dataclasses.fields(record)}
