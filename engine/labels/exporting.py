"""A version of the labels as a table for other programs and other people."""

from __future__ import annotations

from pathlib import Path

from engine.labels.making import came_with, labels_of, versions_of
from engine.reading import Store, lineage
from engine.records import FIRST_VERSION, Index, LabelRow, LabelVersion
from engine.spreadsheet import write_csv
from engine.storage import write_atomic


def write_labels(store: Store, index: Index, version: LabelVersion, path: Path) -> Path:
    """Write a version as CSV: each image with its label, the one it came with, and the answers behind it.

    Raises:
        WorkspaceError: The file cannot be written.
    """
    came, labels = came_with(index), labels_of(store, index, version.number)
    said: dict[str, tuple[int, LabelRow]] = {}
    for one in lineage(versions_of(store, index), version):
        if one.number != FIRST_VERSION:
            rows = store.labels.rows(index.dataset_id, one.number)
            said |= {row.image_id: (one.number, row) for row in rows}
    lines = []
    for sample in index.samples:
        number, row = said.get(
            sample.image_id, (FIRST_VERSION, LabelRow(image_id=sample.image_id, label=None))
        )
        lines.append(
            {
                "path": str(sample.path),
                "image_id": sample.image_id,
                "patient_id": sample.patient_id,
                "label": labels[sample.image_id],
                "label it came with": came[sample.image_id],
                "read for version": f"v{number}" if row.answers else None,
                "answers": " ".join(map(str, row.answers)),
                "not settled because": row.reason,
            }
        )
    write_atomic(path, write_csv(lines))
    return path
