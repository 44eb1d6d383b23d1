"""What was indexed, kept in the workspace: `datasets/<dataset_id>/{index.json, samples.csv}`."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

from annotated_types import Interval
from pydantic import AwareDatetime, StringConstraints

from engine.data.folders import from_home
from engine.data.manifest import samples_from_csv, to_csv
from engine.data.proposing.answers import answers_to_json
from engine.errors import DataError
from engine.kept_files import MIB, JsonFile, ignore, read_json
from engine.naming import given_of
from engine.records import Answers, DataIssue, FilePath, Index, is_folder_name
from engine.storage import open_regular, storage_error, versioned, write_atomic
from engine.workspace import Workspace

LARGEST_TABLE = 4096 * MIB
DatasetId = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{12}$")]
_FORMER_KINDS = {"patient on two sides": "patient in two parts"}  # written before schema version 2


@dataclass(frozen=True, kw_only=True, slots=True)
class IndexSummary:
    """What the workspace knows of an index without reading its samples."""

    dataset_id: DatasetId
    name: str
    root: FilePath
    images: Annotated[int, Interval(ge=0)]
    classes: tuple[str, ...]
    created: AwareDatetime


@dataclass(frozen=True, kw_only=True, slots=True)
class _About(IndexSummary):
    """What index.json holds."""

    samples_sha256: str
    issues: tuple[DataIssue, ...]
    source: FilePath | None = None
    answers: Answers = field(default_factory=Answers)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Said:
    """What of index.json the question needs, what a person said when it was last indexed."""

    created: AwareDatetime
    source: FilePath | None = None
    answers: Answers = field(default_factory=Answers)


def _former(fields: dict[str, Any]) -> dict[str, Any]:
    fields.pop("version", None)
    issues = fields.pop("findings") if "findings" in fields else fields["issues"]
    return {
        **fields,
        "issues": [{**one, "kind": _FORMER_KINDS.get(one["kind"], one["kind"])} for one in issues],
    }


_REMEDY = "Delete the folder {folder} it is in and index the images again; nothing else is lost"
_LARGEST = 1024 * MIB
ABOUT = JsonFile(record=_About, error=DataError, remedy=_REMEDY, largest=_LARGEST, former=_former)
SUMMARY = JsonFile(record=IndexSummary, error=DataError, remedy=_REMEDY, largest=_LARGEST)
SAID = JsonFile(record=_Said, error=DataError, remedy=_REMEDY, largest=_LARGEST)


def save_index(workspace: Workspace, index: Index, *, created: datetime | None = None) -> Path:
    """Save an index as `datasets/<dataset_id>/`: index.json for the whole, samples.csv with one row an image.

    Saving equal data again replaces what was there, with the paths of now.

    Args:
        workspace: Where it is saved.
        index: The data set.
        created: When its images were read; None means now.

    Raises:
        WorkspaceError: The workspace cannot be written to.
    """
    folder = workspace.datasets / index.dataset_id
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise storage_error(error, folder) from error
    digest = hashlib.sha256()

    def pieces() -> Iterator[bytes]:
        for piece in to_csv((sample, {}) for sample in index.samples):
            digest.update(piece)
            yield piece

    write_atomic(folder / "samples.csv", pieces())
    about = {
        "dataset_id": index.dataset_id,
        "name": index.name,
        "root": str(index.root),
        "images": len(index.samples),
        "classes": index.classes,
        "created": (created or datetime.now(UTC)).isoformat(),
        "samples_sha256": digest.hexdigest(),
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
    folder = _folder(workspace, dataset_id)
    table = folder / "samples.csv"
    try:
        about = read_json(folder / "index.json", ABOUT)
    except FileNotFoundError as error:
        raise _not_there(dataset_id) from error
    try:
        with open_regular(table) as stream:
            if os.fstat(stream.fileno()).st_size > LARGEST_TABLE:
                raise _damaged(table)
            if hashlib.file_digest(stream, "sha256").hexdigest() != about.samples_sha256:  # type: ignore[arg-type]
                raise _damaged(table)
            stream.seek(0)
            samples = samples_from_csv(stream, table)
    except OSError as error:
        raise _damaged(table) from error
    return Index(
        dataset_id=about.dataset_id,
        name=given_of(folder).name or about.name,
        root=about.root,
        samples=samples,
        classes=about.classes,
        issues=about.issues,
        source=about.source,
        answers=about.answers,
    )


def list_indexes(
    workspace: Workspace, *, on_damaged: Callable[[DataError], None] = ignore
) -> list[IndexSummary]:
    """List what was indexed in a workspace and can be read, newest first.

    Args:
        workspace: Where data sets are kept.
        on_damaged: Told of each that cannot be read: it hides no other, and indexing its images again mends it.
    """
    summaries = []
    for path in sorted(workspace.datasets.glob("*/index.json")):
        try:
            summary = read_json(path, SUMMARY)
            summaries.append(replace(summary, name=given_of(path.parent).name or summary.name))
        except FileNotFoundError:  # it has just been deleted
            continue
        except DataError as error:
            on_damaged(error)
    return sorted(summaries, key=lambda summary: summary.created, reverse=True)


def load_summary(workspace: Workspace, dataset_id: str) -> IndexSummary:
    """Return what is known of a saved data set without reading its samples; raises as `load_index`."""
    try:
        return read_json(_folder(workspace, dataset_id) / "index.json", SUMMARY)
    except FileNotFoundError as error:
        raise _not_there(dataset_id) from error


def load_answers(workspace: Workspace, path: Path) -> Answers:
    """Return what a person said of a folder, table or archive when it was last indexed; nothing where that is not kept.

    Args:
        workspace: Where data sets are kept.
        path: As it was named.
    """
    path = from_home(path).absolute()
    said = []
    for about_file in workspace.datasets.glob("*/index.json"):
        with suppress(DataError, FileNotFoundError):  # what cannot be read can be asked again
            said.append(read_json(about_file, SAID))
    of_path = [one for one in said if one.source == path]
    return max(of_path, key=lambda one: one.created).answers if of_path else Answers()


def _folder(workspace: Workspace, dataset_id: str) -> Path:
    return workspace.datasets / (dataset_id if is_folder_name(dataset_id) else "?")


def _not_there(dataset_id: str) -> DataError:
    return DataError(f"The workspace has no data set {dataset_id}", "Index its folder or table again")


def _damaged(path: Path) -> DataError:
    return DataError(
        f"{path} is cut short or was changed",
        "Delete the folder it is in and index the images again; nothing else is lost",
    )
