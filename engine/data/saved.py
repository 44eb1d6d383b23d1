"""What was indexed, kept in the workspace: `datasets/<dataset_id>/{index.json, samples.csv}`."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from engine.data.folders import from_home
from engine.data.manifest import from_csv, to_csv
from engine.data.proposing.answers import answers_from_json, answers_to_json
from engine.errors import DataError
from engine.records import Answers, DataIssue, DataIssueKind, Index
from engine.storage import SCHEMA_VERSION, storage_error, versioned, write_atomic
from engine.workspace import Workspace

_FORMER_KINDS = {"patient on two sides": "patient in two parts"}  # written before schema version 2


@dataclass(frozen=True, kw_only=True, slots=True)
class IndexSummary:
    """What the workspace knows of an index without reading its samples."""

    dataset_id: str
    name: str
    root: Path
    images: int
    classes: tuple[str, ...]
    created: datetime


def save_index(workspace: Workspace, index: Index) -> Path:
    """Save an index as `datasets/<dataset_id>/`: index.json for the whole, samples.csv with one row an image.

    Saving equal data again replaces what was there, with the paths of now.

    Raises:
        WorkspaceError: The workspace cannot be written to.
    """
    folder = workspace.datasets / index.dataset_id
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise storage_error(error, folder) from error
    table = to_csv((sample, {}) for sample in index.samples)
    write_atomic(folder / "samples.csv", table)
    about = {
        "dataset_id": index.dataset_id,
        "name": index.name,
        "root": str(index.root),
        "images": len(index.samples),
        "classes": index.classes,
        "created": datetime.now(UTC).isoformat(),
        "samples_sha256": hashlib.sha256(table).hexdigest(),
        "issues": [
            {
                "kind": issue.kind,
                "message": issue.message,
                "paths": [str(path) for path in issue.paths],
                "serious": issue.serious,
                "options": issue.options,
            }
            for issue in index.issues
        ],
        "source": None if index.source is None else str(index.source),
        "answers": answers_to_json(index.answers),
    }
    write_atomic(folder / "index.json", json.dumps(versioned(about), indent=1))
    return folder


def load_index(workspace: Workspace, dataset_id: str) -> Index:
    """Read an index back.

    Raises:
        DataError: There is none of that id, or its files are damaged.
    """
    folder = workspace.datasets / dataset_id
    known = re.fullmatch(r"[0-9a-f]{12}", dataset_id) and (folder / "index.json").is_file()
    if not known:
        raise DataError(f"The workspace has no data set {dataset_id}", "Index its folder or table again")
    about = _about(folder)
    table = folder / "samples.csv"
    try:
        data = table.read_bytes()
        if hashlib.sha256(data).hexdigest() != about["samples_sha256"]:
            raise _damaged(table)
        return Index(
            dataset_id=about["dataset_id"],
            name=about["name"],
            root=Path(about["root"]),
            samples=tuple(sample for sample, _ in from_csv(data, table)),
            classes=tuple(about["classes"]),
            issues=tuple(
                DataIssue(
                    kind=DataIssueKind(_FORMER_KINDS.get(issue["kind"], issue["kind"])),
                    message=issue["message"],
                    paths=tuple(Path(path) for path in issue["paths"]),
                    serious=issue["serious"],
                    options=tuple(issue.get("options", ())),
                )
                for issue in about["issues" if "issues" in about else "findings"]
            ),
            source=Path(about["source"]) if about.get("source") else None,
            answers=answers_from_json(about.get("answers", {})),
        )
    except (OSError, KeyError, ValueError) as error:
        raise _damaged(table) from error


def list_indexes(workspace: Workspace) -> list[IndexSummary]:
    """List what was indexed in a workspace and can be read, newest first.

    One that is damaged hides no other and stands in no one's way: indexing its images again mends it, and
    `load_index` says what is wrong with it.
    """
    summaries = []
    for path in workspace.datasets.glob("*/index.json"):
        try:
            about = _about(path.parent)
            summaries.append(
                IndexSummary(
                    dataset_id=about["dataset_id"],
                    name=about["name"],
                    root=Path(about["root"]),
                    images=about["images"],
                    classes=tuple(about["classes"]),
                    created=datetime.fromisoformat(about["created"]),
                )
            )
        except (DataError, KeyError, ValueError, TypeError):
            continue
    return sorted(summaries, key=lambda summary: summary.created, reverse=True)


def load_answers(workspace: Workspace, path: Path) -> Answers:
    """Return what a person said of a folder, table or archive when it was last indexed; nothing where that is not kept.

    Args:
        workspace: Where data sets are kept.
        path: As it was named.
    """
    path = from_home(path).absolute()
    newest, answers = "", Answers()
    for about_file in workspace.datasets.glob("*/index.json"):
        try:
            about = _about(about_file.parent)
            if about.get("source") == str(path) and about["created"] > newest:
                newest, answers = about["created"], answers_from_json(about["answers"])
        except (DataError, KeyError, ValueError, TypeError):  # what cannot be read can be asked again
            continue
    return answers


def _about(folder: Path) -> dict[str, Any]:
    path = folder / "index.json"
    try:
        about = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise _damaged(path) from error
    if not isinstance(about, dict) or about.get("schema_version", about.get("version")) not in (
        1,
        SCHEMA_VERSION,
    ):
        raise DataError(f"{path} was written by a newer version of Overread", "Update Overread")
    return about


def _damaged(path: Path) -> DataError:
    return DataError(
        f"{path} is cut short or was changed",
        "Delete the folder it is in and index the images again; nothing else is lost",
    )
