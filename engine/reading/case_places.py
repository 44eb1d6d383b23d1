"""Where the images of cases and of studies lie: all of them that may change, as an image's id says which it is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import TypeVar

from sqlalchemy import BindParameter, Connection, bindparam, select, update

from engine.reading.migrations.schema import CASES, IMAGE_PLACES, RUNS, SEARCHED

Item = TypeVar("Item")
Place = tuple[str, str, Path]
"""Run (empty where the image is a study's), image, path."""


def batches(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    """Yield items in lists of a size that one statement takes."""
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch


def places_of(connection: Connection, image_ids: Sequence[str]) -> list[Place]:
    """Return where each case of these images is said to lie, in all runs and studies."""
    found: list[Place] = []
    for run_id in list(connection.scalars(select(RUNS.c.run_id))):
        for batch in batches(image_ids, 2000):
            of_run = select(CASES.c.image_id, CASES.c.path).where(
                CASES.c.run_id == run_id, CASES.c.image_id.in_(batch)
            )
            found += [(run_id, row.image_id, Path(row.path)) for row in connection.execute(of_run)]
    for batch in batches(image_ids, 2000):
        of_studies = select(IMAGE_PLACES).where(IMAGE_PLACES.c.image_id.in_(batch))
        found += [("", row.image_id, Path(row.path)) for row in connection.execute(of_studies)]
    return found


def set_places(connection: Connection, places: Sequence[Place]) -> None:
    """Write down where images lie now."""
    if not places:
        return
    now_at = [
        {"of_run": run_id, "of_image": image_id, "now_at": str(path)} for run_id, image_id, path in places
    ]
    of_image: BindParameter[str] = bindparam("of_image")
    moved = {
        False: update(CASES).where(CASES.c.run_id == bindparam("of_run"), CASES.c.image_id == of_image),
        True: update(IMAGE_PLACES).where(IMAGE_PLACES.c.image_id == of_image),
    }
    for of_study, statement in moved.items():
        those = [each for each in now_at if (not each["of_run"]) == of_study]
        if those:
            connection.execute(statement.values(path=bindparam("now_at")), those)
    searched = (SEARCHED.c.run_id == bindparam("of_run"), SEARCHED.c.image_id == bindparam("of_image"))
    connection.execute(
        update(SEARCHED).where(*searched).values(file=bindparam("now_named")),
        [
            {"of_run": run_id, "of_image": image_id, "now_named": path.name.casefold()}
            for run_id, image_id, path in places
        ],
    )
