"""What a net runs on, and in which precision: training in 16 bits on a GPU, reading in 32 bits everywhere."""

from __future__ import annotations

import contextlib
import os
from concurrent.futures import ThreadPoolExecutor
from threading import Lock

import torch
from torch import nn

from engine.errors import TrainingError

COMPILE_VARIABLE = "OVERREAD_COMPILE"
_ONE_BY_ONE = Lock()


def pick_device(asked: str = "auto") -> str:
    """Return "cuda", "mps" or "cpu": what was asked for, or the best there is.

    Raises:
        TrainingError: What was asked for is not there.
    """
    # PyTorch lets a GPU's convolutions keep 10 bits of each number where nobody asks for more; what is predicted and
    # drawn then differs from what a CPU gives: docs/benchmarks.md.
    torch.backends.cudnn.allow_tf32 = False
    there = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if asked == "auto":
        return next(name for name in ("cuda", "mps", "cpu") if there[name])
    kind, _colon, which = asked.partition(":")
    count = torch.cuda.device_count() if kind == "cuda" else 1
    if not there.get(kind, False) or (which and not (which.isdecimal() and int(which) < count)):
        raise TrainingError(
            f"This computer has no device “{asked}”",
            "Choose auto or cpu",
            option="overread doctor lists what there is",
        )
    return asked


def thread_on(cores: int) -> ThreadPoolExecutor:
    """Return a thread in which PyTorch uses so many cores; in all others it uses as many as before."""

    def begin() -> None:
        torch.get_num_threads()  # a thread takes over the program's number when it first needs it: before, not after
        torch.set_num_threads(cores)

    with _ONE_BY_ONE:  # or who asks between the two would take another's few cores for the program's number
        before = torch.get_num_threads()
        thread = ThreadPoolExecutor(1)
        try:
            thread.submit(begin).result()
        finally:
            torch.set_num_threads(before)  # what threads to come begin with
    return thread


def device_name(device: str) -> str:
    """Return a device's name for the report, e.g. "NVIDIA H100" or "cpu"."""
    return torch.cuda.get_device_name(device) if device.startswith("cuda") else device


def half_precision(device: str) -> torch.dtype | None:
    """Return the 16-bit type that a device trains in; None where it trains in 32 bits."""
    if not device.startswith("cuda"):
        return None
    # Older GPUs hold bfloat16 numbers and compute with them slowly or not at all; PyTorch counts that as support.
    return torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float16


def autocast(device: str) -> contextlib.AbstractContextManager[object]:
    """Return a context in which a device runs in `half_precision`."""
    dtype = half_precision(device)
    return contextlib.nullcontext() if dtype is None else torch.autocast("cuda", dtype=dtype)


def compiled(module: nn.Module) -> nn.Module:
    """Return a module as `torch.compile` makes it where $OVERREAD_COMPILE is 1, and as it is otherwise.

    Compiling takes a minute or more, for training, for validation and for a last batch that is smaller. On an H200 it
    won nothing at a batch of 16 (docs/benchmarks.md): it is worth trying for long trainings alone.

    Raises:
        TrainingError: It is neither 1 nor 0: somebody meant something by it.
    """
    asked = os.environ.get(COMPILE_VARIABLE, "").strip()
    if asked not in ("", "0", "1"):
        raise TrainingError(
            f"The variable {COMPILE_VARIABLE} is “{asked}”",
            "Set it to 1 to compile the model, or unset it to train as usual",
        )
    if asked != "1":
        return module
    return torch.compile(module)  # type: ignore[return-value]
