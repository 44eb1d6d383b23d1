"""Bundles of an earlier version: what its documents did not hold yet is not missed, and all else is held as ever.

The schema that a bundle brings says what its version wrote. One that says nothing other than ours, only less, is an
earlier one; any other is a schema that somebody changed, or of a version that said something else.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

from engine.kept_files import parse_json
from engine.report.exports.schema.of_records import Node

IN_WORDS = ("description", "$comment")
"""Of a schema: what people read, and where a record stands in the program; neither says what a document holds."""
README = "README.txt"


def earlier_schema(files: Mapping[str, bytes], file: str, ours: Node) -> Node | None:
    """Return the schema of a document of a bundle if an earlier version wrote it; None where it is ours or no such."""
    brought = files.get(file.removesuffix(".json") + ".schema.json", b"")
    try:
        theirs = parse_json(brought)
    except ValueError:
        return None
    if theirs == ours:
        return None
    return theirs if isinstance(theirs, dict) and theirs and _says_less(theirs, ours) else None


def _says_less(theirs: Any, ours: Any, name: str = "") -> bool:
    """Tell whether one schema says nothing that the other does not."""
    if isinstance(theirs, dict) and isinstance(ours, dict):
        return all(
            key in IN_WORDS or (key in ours and _says_less(of, ours[key], key)) for key, of in theirs.items()
        )
    if isinstance(theirs, list) and isinstance(ours, list) and name in ("required", "enum"):
        return all(each in ours for each in theirs)
    return bool(theirs == ours)


def as_known(value: Any, schema: Any, whole: Node) -> Any:
    """Return what was computed again without what an earlier schema does not know.

    Args:
        value: Of a document.
        schema: The part of the schema that speaks of it.
        whole: The schema, in which what it points to stands.
    """
    if not isinstance(schema, dict):
        return value
    if "$ref" in schema:
        return as_known(value, whole["$defs"].get(str(schema["$ref"]).rpartition("/")[2]), whole)
    for each in schema.get("anyOf", ()):
        value = as_known(value, each, whole)
    if isinstance(value, dict):
        known, other = schema.get("properties"), schema.get("additionalProperties")
        if known is not None:
            return {name: as_known(value[name], known[name], whole) for name in value if name in known}
        return {name: as_known(each, other, whole) for name, each in value.items()}
    if isinstance(value, list):
        return [as_known(each, schema.get("items"), whole) for each in value]
    return value


def writers() -> str:
    """Return what writes bundles here: another version of any of it draws or sets otherwise what is the same."""
    drawing, setting = (f"{name} {version(name)}" for name in ("matplotlib", "python-docx"))
    return f"Overread {version('overread')} with {drawing} and {setting}"


def written_here(files: Mapping[str, bytes]) -> bool:
    """Return whether what writes bundles here wrote this one, by its README."""
    return f"Written by {writers()}." in files.get(README, b"").decode("utf-8", "replace")


def version_of(files: Mapping[str, bytes]) -> str:
    """Return the version of Overread that wrote a bundle, by its README; empty where that does not say."""
    found = re.search(r"Written by Overread (\S+?)\.?\s", files.get(README, b"").decode("utf-8", "replace"))
    return found[1] if found else ""
