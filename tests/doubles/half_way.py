"""A heatmap that stays half done for as long as a test wants, in the process that makes heatmaps."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from engine.jobs import explaining
from engine.jobs.explaining import Wish
from engine.records import Explanation

LET_GO = "let go"
"""The file in the run's folder for which the work waits."""


class _Waiting:
    """An explainer that waits where it has told the first share."""

    def __init__(self, real: Any, gate: Path) -> None:
        self._real, self._gate = real, gate

    def explain(self, *given: Any, progress: Callable[[int, int], None]) -> Explanation:
        def told(done: int, of: int) -> None:
            progress(done, of)
            while 0 < done < of and not self._gate.exists():
                time.sleep(0.01)

        made: Explanation = self._real.explain(*given, progress=told)
        return made


def half_way(ticket: int, wish: Wish) -> Explanation:
    """Take the place of `engine.jobs.explaining._explain`."""
    here = explaining._Here
    real = here.explainer
    here.explainer = _Waiting(real, wish.run.folder / LET_GO)  # type: ignore[assignment]
    try:
        return explaining._explain(ticket, wish)
    finally:
        here.explainer = real
