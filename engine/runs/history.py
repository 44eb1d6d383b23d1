"""A run's training curve: one line an epoch, in history.csv."""

from __future__ import annotations

import csv
import dataclasses
from collections.abc import Iterable, Sequence
from pathlib import Path

from engine.errors import RunError
from engine.records import Epoch
from engine.spreadsheet import read_csv, write_csv
from engine.storage import read_regular, storage_error, write_atomic

LARGEST = 1 << 28  # bytes


def append_epoch(folder: Path, epoch: Epoch) -> None:
    """Add a line to history.csv.

    Raises:
        WorkspaceError: The disk is full.
    """
    path = folder / "history.csv"
    try:
        fresh = not path.exists()
        with path.open("ab") as stream:
            stream.write(_lines([epoch], headings=fresh))
    except OSError as error:
        raise storage_error(error, path) from error


def write_history(folder: Path, epochs: Iterable[Epoch]) -> None:
    """Write history.csv anew: a resumed run forgets the epochs after its checkpoint."""
    write_atomic(folder / "history.csv", _lines(epochs))


def _lines(epochs: Iterable[Epoch], *, headings: bool = True) -> bytes:
    names = [field.name for field in dataclasses.fields(Epoch)]
    return write_csv(map(dataclasses.asdict, epochs), names, headings=headings)


def kept_epoch(history: Sequence[Epoch]) -> Epoch | None:
    """Return the epoch whose net the run kept: the last one that was better than all before it, in its phase's terms.

    None where no epoch was better than another, as in a training that diverged at once.
    """
    return next((epoch for epoch in reversed(history) if epoch.best), None)


def load_history(folder: Path) -> list[Epoch]:
    """Read history.csv; an empty list where there is none yet. A line cut short by a crash is left out.

    Raises:
        RunError: The file is damaged.
    """
    path = folder / "history.csv"
    if not path.exists():
        return []
    epochs: list[Epoch] = []
    try:
        names, lines = read_csv(read_regular(path, LARGEST))
        if names and not set(_FIGURES) <= set(names):
            raise ValueError("the columns of a training curve are missing")
        for row in (dict(zip(names, cells, strict=True)) for cells in lines if len(cells) == len(names)):
            epochs.append(
                Epoch(
                    number=int(row["number"]),
                    phase=row["phase"],
                    best=row["best"] == "True",
                    **{name: float(row[name] or "nan") for name in _FIGURES},
                    monitor=row.get("monitor", ""),
                    monitored=float(row.get("monitored") or "nan"),
                )
            )
    except (OSError, ValueError, KeyError, csv.Error) as error:
        raise RunError(
            f"The training curves of run {folder.name} are damaged",
            "Restore history.csv in the run's folder from a backup, or delete it to continue without curves",
        ) from error
    return epochs


_FIGURES = (
    "train_loss",
    "val_loss",
    "val_accuracy",
    "val_auc",
    "learning_rate",
    "seconds",
    "images_per_second",
)
