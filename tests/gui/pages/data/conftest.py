"""A window on an empty workspace, and small films to bring into it."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engine.workspace import open_workspace
from gui.web.session import AppSession, open_session


@pytest.fixture
def session(tmp_path: Path) -> Iterator[AppSession]:
    opened = open_session(open_workspace(tmp_path / "workspace"), reader="Dr Test")
    yield opened
    opened.store.close()


@pytest.fixture
def guest(session: AppSession) -> AppSession:
    """A guest's window on the same workspace, even with the owner's secret."""
    return AppSession(workspace=session.workspace, store=session.store, secret=session.secret, read_only=True)


def write_films(
    folder: Path, *, patients: int = 10, classes: tuple[str, ...] = ("normal", "opacity"), table: bool = True
) -> Path:
    """Write two 24-pixel films a patient into a folder for each class, and a table beside them."""
    generator = np.random.default_rng(0)
    rows = []
    for number in range(patients):
        name = classes[number % len(classes)]
        (folder / name).mkdir(parents=True, exist_ok=True)
        for film in range(2):
            pixels = generator.integers(0, 255, (24, 24), dtype=np.uint8)
            path = folder / name / f"p{number:02d}_{film}.png"
            Image.fromarray(pixels).save(path)
            rows.append((path.relative_to(folder).as_posix(), name, f"patient {number}"))
    if table:
        with (folder / "films.csv").open("w", newline="", encoding="utf-8") as stream:
            writer = csv.writer(stream)
            writer.writerow(("path", "label", "patient"))
            writer.writerows(rows)
    return folder
