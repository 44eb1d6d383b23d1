"""Every benchmark, by name."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from benchmarks import (
    cache,
    finetune_step,
    grad_cam,
    head_phase,
    index,
    methods,
    pointing,
    precision,
    predict,
    proposal,
    readers,
    report,
    review,
    startup,
    steady,
    studies,
    uncertainty,
    views,
)
from benchmarks.measuring import LeftOut, Row, Setting

BENCHMARKS: dict[str, Callable[[Setting], Iterator[Row | LeftOut]]] = {
    "head-phase": head_phase.measure,
    "views": views.measure,
    "finetune-step": finetune_step.measure,
    "precision": precision.measure,
    "predict": predict.measure,
    "grad-cam": grad_cam.measure,
    "methods": methods.measure,
    "pointing": pointing.measure,
    "steady": steady.measure,
    "uncertainty": uncertainty.measure,
    "review": review.measure,
    "readers": readers.measure,
    "studies": studies.measure,
    "report": report.measure,
    "index": index.measure,
    "proposal": proposal.measure,
    "cache": cache.measure,
    "startup": startup.measure,
}
