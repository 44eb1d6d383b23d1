"""Hashes of what a run's figures were made with: so that whoever has the files can see that they are the same."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from engine.records import Run
from engine.report.records import Fact

GROUP = "Hashes (sha256)"
FILES = {
    "model.safetensors": "Weights of the trained model",
    "split.csv": "Split: image, label, patient and part",
    "recipe.json": "Recipe",
    "history.csv": "History of training",
}


def facts_of_files(run: Run) -> list[Fact]:
    """Return the hashes of the files of a run that are there; of a cross-validation those of each model."""
    return list(_of(run))


def _of(run: Run) -> Iterator[Fact]:
    yield Fact(
        GROUP, "Images, labels, patients and parts of the data set", f"{run.dataset_id} (first digits)"
    )
    for path in sorted(run.folder.rglob("*")):
        if path.name in FILES and path.is_file():
            with path.open("rb") as stream:
                digest = hashlib.file_digest(stream, "sha256").hexdigest()
            inside = path.parent.relative_to(run.folder)
            where = "" if not inside.parts else f", {'/'.join(inside.parts)}"
            yield Fact(GROUP, f"{FILES[path.name]}{where}", digest)
