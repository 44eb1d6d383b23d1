"""Every benchmark, by name; a module is imported when it is measured, so that one which cannot be stops no other."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator

from benchmarks.measuring import LeftOut, Row, Setting

Measure = Callable[[Setting], Iterator[Row | LeftOut]]


def _measured_by(module: str) -> Measure:
    def measure(setting: Setting) -> Iterator[Row | LeftOut]:
        measured: Iterator[Row | LeftOut] = importlib.import_module(f"benchmarks.{module}").measure(setting)
        return measured

    return measure


BENCHMARKS: dict[str, Measure] = {
    "head-phase": _measured_by("head_phase"),
    "views": _measured_by("views"),
    "finetune-step": _measured_by("finetune_step"),
    "precision": _measured_by("precision"),
    "predict": _measured_by("predict"),
    "cluster": _measured_by("cluster"),
    "sweep": _measured_by("sweep"),
    "grad-cam": _measured_by("grad_cam"),
    "methods": _measured_by("methods"),
    "pointing": _measured_by("pointing"),
    "steady": _measured_by("steady"),
    "uncertainty": _measured_by("uncertainty"),
    "review": _measured_by("review"),
    "film": _measured_by("film"),
    "alike": _measured_by("alike"),
    "hand": _measured_by("hand"),
    "readers": _measured_by("readers"),
    "studies": _measured_by("studies"),
    "report": _measured_by("report"),
    "index": _measured_by("index"),
    "proposal": _measured_by("proposal"),
    "cache": _measured_by("cache"),
    "startup": _measured_by("startup"),
}
