"""Which cases are shown to guests: drawn at random, the first of a queue, or named by hand."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import islice

from engine.errors import ShareError
from engine.language import _, isolated, listed
from engine.reading import QUEUES, Store, search
from engine.records import Prediction

AT_ONCE = 200  # cases of a queue that are asked for at once


def chosen_cases(
    store: Store, run_id: str, *, queue: str = "", reader: str = "", named: str = "", cases: int
) -> list[str] | None:
    """Return the ids of the cases to share; None where they are to be drawn at random.

    Args:
        store: Where they are.
        run_id: Of the run.
        queue: Takes the first of this queue of `QUEUES`; empty for none.
        reader: Whose queue it is.
        named: Takes those that a person wrote down, by id, the start of one, or file name; empty for none.
        cases: How many of the queue.

    Raises:
        ShareError: There is no such queue, it is empty, or a name stands for no case or for several.
    """
    if named.strip():
        return [_named(store, run_id, one) for one in re.split(r"[\n,;]", named) if one.strip()]
    if not queue:
        return None
    if queue not in QUEUES:
        raise ShareError(
            _("There is no queue “{queue}”").format(queue=isolated(queue)),
            _("Choose one of: {names}").format(names=listed(QUEUES)),
        )
    found = [one.image_id for one in islice(_walk(store, run_id, queue, reader), cases)]
    if not found:
        raise ShareError(
            _("The queue “{queue}” holds no cases").format(queue=isolated(queue)),
            _("Choose another, or draw cases at random"),
        )
    return found


def _walk(store: Store, run_id: str, queue: str, reader: str) -> Iterable[Prediction]:
    after: str | None = None
    while some := store.upcoming(run_id, queue, reader, after, k=AT_ONCE):
        yield from some
        after = some[-1].image_id


def _named(store: Store, run_id: str, written: str) -> str:
    """Return the id of the one case that a person wrote down.

    Raises:
        ShareError: There is none, or more than one.
    """
    wanted = written.strip()
    asked = search(f'id "{wanted}"'), search(f'file "{wanted}"')
    found = [one for queue in asked for one in store.upcoming(run_id, queue, "", None, k=AT_ONCE)]
    exact = {one.image_id for one in found if wanted in (one.image_id, one.path.name)}
    fitting = exact or {one.image_id for one in found if one.image_id.startswith(wanted)}
    fitting = fitting or {one.image_id for one in found}
    if len(fitting) != 1:
        raise ShareError(
            (
                _("“{wanted}” is several cases of this run")
                if fitting
                else _("“{wanted}” is no case of this run")
            ).format(wanted=isolated(wanted)),
            _("Write a file name, an id or the start of one, each on a line"),
        )
    return fitting.pop()
