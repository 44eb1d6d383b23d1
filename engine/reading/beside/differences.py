"""On which cases readers differ: kept beside the last answers, so that the queue of them is a seek."""

from __future__ import annotations

from sqlalchemy import Connection, bindparam, delete, exists, select

from engine.reading import row_mapping as rows
from engine.reading.migrations.schema import ANSWERS, DIFFERENCES, LAST_ANSWERS

# Built once: building a statement takes longer than carrying it out.
_NOTED = exists().where(
    DIFFERENCES.c.run_id == bindparam("run_id"), DIFFERENCES.c.position == LAST_ANSWERS.c.position
)
_SAID = (
    select(
        LAST_ANSWERS.c.position,
        LAST_ANSWERS.c.part,
        ANSWERS.c.verdict,
        ANSWERS.c.label,
        _NOTED.label("noted"),
    )
    .join(ANSWERS, ANSWERS.c.seq == LAST_ANSWERS.c.answer)
    .where(LAST_ANSWERS.c.run_id == bindparam("run_id"), LAST_ANSWERS.c.image_id == bindparam("image_id"))
)
_AGREED = delete(DIFFERENCES).where(
    DIFFERENCES.c.run_id == bindparam("run_id"), DIFFERENCES.c.image_id == bindparam("image_id")
)


def settle_difference(connection: Connection, run_id: str, image_id: str) -> None:
    """Write down whether the last answers to a case differ: in the class, or in that one names none."""
    of_case = {"run_id": run_id, "image_id": image_id}
    said = connection.execute(_SAID, of_case).all()
    if len({row.label or row.verdict for row in said}) > 1:
        told = of_case | {"position": said[0].position, "part": said[0].part}
        insert = rows.writing(connection.dialect.name, DIFFERENCES, ("run_id", "position"), ("part",))
        connection.execute(insert, told)
    elif not said or said[0].noted:
        connection.execute(_AGREED, of_case)
