"""Predicting, explaining and storing films that are decoded already, beside OpenVINO's own throughput on the same net.

The limit is the whole net up to its last map in the form that gives most: bytes in the graph, a fixed batch, as many
requests at a time as the engine asks for, its answers copied out. Ours has head, dropout passes, records and storing
in it too.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from functools import cache, partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.measuring import LeftOut, Row, Setting, interleaved, is_installed, not_installed, seconds_of
from engine.images import open_cache
from engine.models import Frozen, cut_behind_backbone
from engine.pipeline import read_samples
from engine.prediction import predict
from engine.reading import Store, open_store
from engine.records import Run, Sample, recipe_of
from engine.runs import load_classifier, save_explanations
from engine.saliency import EVIDENCE
from engine.workspace import Workspace

SHARES = (8, 16)
GOALS = {
    "predicted": 0.9,
    "predicted and explained": 0.9,
    "predicted and explained with the finer map": 0.55,
}


def measure(setting: Setting, run: Run, samples: Sequence[Sample]) -> Iterator[Row | LeftOut]:
    """Measure; the films are those of a run's cache, read once before anything counts."""
    work = f"{len(samples):,} cached films"
    if not is_installed("openvino"):
        yield not_installed(work, "openvino")
        return
    recipe, scratch = recipe_of(run), setting.scratch / "beside-the-engine"
    cached = open_cache(scratch / "pixels", samples, size=recipe.image_size, channels=recipe.channels)
    pixels = np.array(cached.images)
    net = cut_behind_backbone(load_classifier(run)).frozen.eval()
    forms = [_Engine(net, share, recipe.image_size, recipe.channels) for share in SHARES]
    for form in forms:
        form(pixels)
    best = min(forms, key=lambda form: seconds_of(lambda: form(pixels)))
    with torch.no_grad():
        wanted = net(torch.from_numpy(pixels[: best.share]).permute(0, 3, 1, 2).float() / 255).numpy()
    apart = float(np.abs(best(pixels[: best.share]) - wanted).max() / np.abs(wanted).max())
    # One workspace, as a user has it: explaining finds the net that predicting has converted, and the films.
    workspace = Workspace(scratch)
    workspace.cache.mkdir()
    with open_store(scratch / "overread.db") as store:
        store.add_run(run)
        ways: dict[str, Callable[[], object]] = {
            name: partial(_read, workspace, store, run, samples, method)
            for name, method in zip(GOALS, (None, EVIDENCE[1], EVIDENCE[0]), strict=True)
        }
        taken = interleaved({**ways, "limit": lambda: best(pixels)}, rounds=1 if setting.quick else 5)
    for name, goal in GOALS.items():
        ratio = taken["limit"] / taken[name]
        yield Row(
            work=f"{work} {name}, and stored",
            ours=len(samples) / taken[name],
            unit="images/s",
            peer="OpenVINO alone, the net up to its last map",
            theirs=len(samples) / taken["limit"],
            ratio=ratio,
            budget=f"≥ {goal:g}×",
            met=ratio >= goal,
            quality=f"its maps differ from PyTorch's by {apart:.0e} of the largest value",
            note=f"bytes in its graph, {best.share} films a request, {best.requests} at a time; "
            "head, dropout passes and storing are in ours",
        )


def _read(
    workspace: Workspace, store: Store, run: Run, samples: Sequence[Sample], method: str | None
) -> None:
    if method is None:
        predictions = list(predict(run, samples, cache_dir=workspace.cache))
    else:
        predictions, maps = read_samples(workspace, run, samples, method=method)
        save_explanations(workspace.root, maps.values())
    store.add_cases(run.run_id, predictions)


class _Engine:
    """The net, compiled by OpenVINO with what comes before it: bytes (N, H, W, C) to its last map."""

    def __init__(self, net: Frozen, share: int, size: int, channels: int) -> None:
        sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]  # as `engine.models.openvino`
        import openvino
        from openvino.preprocess import PrePostProcessor

        shape = (share, channels, size, size)
        example = torch.rand(shape)
        with torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of tracing
            traced = torch.jit.trace(net, example, strict=False, check_trace=False)  # type: ignore[no-untyped-call]
            model = openvino.convert_model(traced, example_input=example, input=[list(shape)])
        steps = PrePostProcessor(model)
        steps.input().tensor().set_element_type(openvino.Type.u8).set_layout(openvino.Layout("NHWC"))
        steps.input().model().set_layout(openvino.Layout("NCHW"))
        steps.input().preprocess().convert_element_type(openvino.Type.f32).scale(255.0)
        hints = {
            "PERFORMANCE_HINT": "THROUGHPUT",
            "INFERENCE_PRECISION_HINT": "f32",
            "INFERENCE_NUM_THREADS": torch.get_num_threads(),
        }
        compiled = _core().compile_model(steps.build(), "CPU", hints)
        self.share, self._shape = share, tuple(compiled.output(0).shape)[1:]
        self._queue = openvino.AsyncInferQueue(compiled)
        self.requests = len(self._queue)
        self._queue.set_callback(_copy)

    def __call__(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return (N, c, h, w); what does not fill a request is run again with the films before it."""
        found = np.empty((len(pixels), *self._shape), np.float32)
        for at in range(0, len(pixels), self.share):
            at = min(at, len(pixels) - self.share)
            self._queue.start_async([pixels[at : at + self.share]], found[at : at + self.share])
        self._queue.wait_all()
        return found


@cache
def _core() -> Any:
    import openvino

    return openvino.Core()  # one to the end: see `engine.models.openvino`


def _copy(request: Any, place: NDArray[np.float32]) -> None:
    place[:] = request.get_output_tensor(0).data
