"""Where the images of cases lie: all of a reviewed case that may change, as an image's id says which it is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import TypeVar

from sqlalchemy import Connection, bindparam, select, update

from engine.reading.migrations.schema import CASES, RUNS

Item = TypeVar("Item")
Place = tuple[str, str, Path]
"""Run, image, path."""


def batches(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    """Yield items in lists of a size that one statement takes."""
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch


def places_of(connection: Connection, image_ids: Sequence[str]) -> list[Place]:
    """Return where each case of these images is said to lie, in all runs."""
    found: list[Place] = []
    for run_id in list(connection.scalars(select(RUNS.c.run_id))):
        for batch in batches(image_ids, 2000):
            of_run = select(CASES.c.image_id, CASES.c.path).where(
                CASES.c.run_id == run_id, CASES.c.image_id.in_(batch)
            )
            found += [(run_id, row.image_id, Path(row.path)) for row in connection.execute(of_run)]
    return found


def set_places(connection: Connection, places: Sequence[Place]) -> None:
    """Write down where images lie now."""
    if not places:
        return
    of_case = (CASES.c.run_id == bindparam("of_run"), CASES.c.image_id == bindparam("of_image"))
    connection.execute(
        update(CASES).where(*of_case).values(path=bindparam("now_at")),
        [{"of_run": run_id, "of_image": image_id, "now_at": str(path)} for run_id, image_id, path in places],
    )
