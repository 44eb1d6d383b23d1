"""The frozen backbone as fast as this machine runs it: OpenVINO on a CPU, PyTorch everywhere else.

Feature banks, prediction and Grad-CAM all read the backbone's last map, so this is the one place where an inference
engine pays. A compiled net is used only after it has given what PyTorch gives on a probe; where it does not, or
OpenVINO is not installed, PyTorch runs. Converting takes seconds: it is done only for enough images to win them
back, and kept in the cache by the weights' digest.
"""

from __future__ import annotations

import functools
import hashlib
import logging
import os
import sys
import threading
import warnings
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from queue import SimpleQueue
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from engine.models.frozen import Frozen
from engine.models.weights import state_digest
from engine.storage import KEPT_BYTES, make_room

LOG = logging.getLogger(__name__)

WORTH_CONVERTING = 96  # images; below, converting takes longer than it saves
SHARE = 8  # images a request; with a fixed number the net needs no other plan for the last ones
TOLERANCE = 1e-3  # largest difference between the two, relative to the map's own largest value


class Features:
    """Gives a net's map (B, c, h, w) float32 of images (B, C, H, W), float32 in [0, 1] or uint8, in two steps.

    What an inference engine runs comes first and asks nothing of PyTorch, so that other threads may run it, of
    further batches, while this one does the rest.
    """

    def begin(self, images: Tensor) -> Tensor:
        """Run what an engine runs of it; the images themselves where that is nothing."""
        return images

    def finish(self, begun: Tensor) -> Tensor:
        """Run the rest, of what `begin` gave."""
        return begun

    def __call__(self, images: Tensor) -> Tensor:
        """Run both."""
        return self.finish(self.begin(images))


def fast_features(net: Frozen, *, device: str, images: int, size: int, cache_dir: Path) -> Features:
    """Return what gives what a frozen net gives in eval mode, without gradients.

    Args:
        net: Its parameters must not change while the function is in use.
        device: Where it lies.
        images: How many images will be run.
        size: Their height and width in pixels.
        cache_dir: Where converted nets are kept.
    """
    if device == "cpu" and images >= WORTH_CONVERTING:
        compiled = _openvino(net, size, cache_dir)
        if compiled is not None:
            return compiled
    return Eager(net)


def engine_name(features: Features) -> str:
    """Return "OpenVINO" or "PyTorch"."""
    return "PyTorch" if isinstance(features, Eager) else "OpenVINO"


def in_unit(images: Tensor) -> Tensor:
    """Return images (B, C, H, W) as floats in [0, 1], of bytes or of such floats."""
    return images.float() / 255 if images.dtype == torch.uint8 else images


class Eager(Features):
    """A net as PyTorch runs it."""

    def __init__(self, net: nn.Module) -> None:
        self.net = net

    def finish(self, begun: Tensor) -> Tensor:
        """Run all of it."""
        with torch.no_grad():
            out: Tensor = self.net(in_unit(begun).contiguous(memory_format=torch.channels_last))
            return out


def _openvino(net: Frozen, size: int, cache_dir: Path) -> Features | None:
    # OpenVINO reports every import and conversion to its makers unless its telemetry package is missing; to Python
    # it is. Nothing leaves this machine (a test watches the sockets).
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
    try:
        import openvino
    except ImportError:
        return None
    channels = net.mean.shape[1]
    path = _path(openvino, net, size, cache_dir)
    modes = {module: module.training for module in net.modules()}
    net.eval()
    try:
        kept = path.exists()
        if not kept:
            _convert(openvino, net, channels, size, path)
        with suppress(OSError):  # where nothing may be written, nothing needs room either
            os.utime(path)  # eviction goes by last use
        threads = torch.get_num_threads()
        if (ready := _READY.get(path, threads)) is not None:
            return _InShares(ready)
        try:
            compiled = _Compiled(path, threads)
        except RuntimeError:
            if not kept:
                raise
            _convert(openvino, net, channels, size, path)  # it was cut short, by a full disk or a power cut
            compiled = _Compiled(path, threads)

        run = _InShares(compiled)
        if not _agrees(net, run, channels, size):
            return None
        _READY.keep(path, threads, compiled)
        return run
    except (RuntimeError, OSError) as error:  # OpenVINO raises plain RuntimeError for what it cannot convert
        LOG.warning("OpenVINO cannot run this network (%s); PyTorch runs it", str(error).splitlines()[0])
        return None
    finally:
        for module, training in modes.items():
            module.training = training


def is_converted(net: Frozen, *, size: int, cache_dir: Path) -> bool:
    """Tell whether a net was converted here already; arguments as `fast_features`."""
    try:
        import openvino
    except ImportError:
        return False
    return _path(openvino, net, size, cache_dir).exists()


def _path(openvino: Any, net: Frozen, size: int, cache_dir: Path) -> Path:
    name = f"{state_digest(net.state_dict())}|{net}|{size}|{SHARE}|{openvino.__version__}"
    return cache_dir / "nets" / f"{hashlib.sha256(name.encode()).hexdigest()[:24]}.xml"


class _Form:
    """A compiled net with as many requests as its engine runs at a time, each waited for by a thread of its own.

    No request calls back. Where nobody else holds it any more, a request is let go of from within the call, for whose
    end it then waits for ever; and all that is asked of the net afterwards waits behind it.
    """

    def __init__(self, compiled: Any) -> None:
        self.given, self.shape = tuple(compiled.input(0).shape), tuple(compiled.output(0).shape)
        many = compiled.get_property("OPTIMAL_NUMBER_OF_INFER_REQUESTS")
        self._idle: SimpleQueue[Any] = SimpleQueue()
        for _ in range(many):
            self._idle.put(compiled.create_infer_request())
        self._threads = ThreadPoolExecutor(many)

    def run(self, images: NDArray[Any]) -> NDArray[np.float32]:
        """Return the maps of any number of images.

        Threads may ask at once. Their shares follow each other, so that no core waits for the last share of a batch.
        """
        found = np.empty((len(images), *self.shape[1:]), np.float32)
        shares = range(0, len(images), SHARE)
        for told in [
            self._threads.submit(self._run, images[at : at + SHARE], found[at : at + SHARE]) for at in shares
        ]:
            told.result()
        return found

    def _run(self, share: NDArray[Any], place: NDArray[np.float32]) -> None:
        if len(share) < SHARE:  # the last is filled up: the net takes so many and no fewer
            share = np.concatenate([share, np.zeros((SHARE - len(share), *share.shape[1:]), share.dtype)])
        request = self._idle.get()
        try:
            request.start_async([share])
            request.wait()
            place[:] = request.get_output_tensor(0).data[: len(place)]
        finally:
            self._idle.put(request)


class _Compiled:
    """A net as it lies in a file, compiled for floats and, when they come, for bytes: then they stay bytes up to it."""

    def __init__(self, path: Path, threads: int) -> None:
        self._path, self._threads = path, threads
        self._lock = threading.Lock()
        self.of_floats = _Form(_compile(path, threads))
        self._of_bytes: _Form | Literal[False] | None = None

    def of_bytes(self) -> _Form | None:
        """Return the form that takes bytes (B, H, W, C); None where its file has gone meanwhile, or it differs."""
        with self._lock:
            if self._of_bytes is None:
                self._of_bytes = False
                with suppress(RuntimeError):
                    made = _Form(_compile(self._path, self._threads, takes_bytes=True))
                    if self._says_the_same(made):
                        self._of_bytes = made
            return self._of_bytes or None

    def _says_the_same(self, of_bytes: _Form) -> bool:
        probe = np.random.default_rng(0).integers(0, 256, of_bytes.given, np.uint8)
        floats = in_unit(torch.from_numpy(probe).permute(0, 3, 1, 2)).contiguous().numpy()
        found, expected = of_bytes.run(probe), self.of_floats.run(floats)
        return bool(np.abs(found - expected).max() <= TOLERANCE * np.abs(expected).max())


class _InShares(Features):
    """Runs a compiled net on shares of a batch, several at a time: each core then works on images of its own."""

    def __init__(self, compiled: _Compiled) -> None:
        self._compiled = compiled

    def begin(self, images: Tensor) -> Tensor:
        form = self._compiled.of_bytes() if images.dtype == torch.uint8 else None
        if form is not None:
            return torch.from_numpy(form.run(images.permute(0, 2, 3, 1).contiguous().numpy()))
        return torch.from_numpy(self._compiled.of_floats.run(in_unit(images).contiguous().numpy()))


class _Ready:
    """The nets compiled last that have given what PyTorch gives: a run's next step asks for the same ones again."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._kept: OrderedDict[tuple[object, ...], _Compiled] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, path: Path, threads: int) -> _Compiled | None:
        """Return the net that a file holds, compiled for so many threads; None where it is not there."""
        try:
            key = self._key(path, threads)
        except OSError:  # half of it has gone: it is made again
            return None
        with self._lock:
            if (found := self._kept.get(key)) is not None:
                self._kept.move_to_end(key)
            return found

    def keep(self, path: Path, threads: int, compiled: _Compiled) -> None:
        """Keep one, and let go of the one that was asked for longest ago."""
        with self._lock:
            self._kept[self._key(path, threads)] = compiled
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)

    @staticmethod
    def _key(path: Path, threads: int) -> tuple[object, ...]:
        weights = path.with_suffix(".bin").stat()  # a file that was changed holds another net
        return (path, path.stat().st_size, weights.st_size, weights.st_mtime_ns, threads)


_READY = _Ready(most=2)


def _compile(path: Path, threads: int, *, takes_bytes: bool = False) -> Any:
    model: Any = path
    if takes_bytes:
        import openvino
        from openvino.preprocess import PrePostProcessor

        steps = PrePostProcessor(_core().read_model(path))
        given = steps.input().tensor()
        given.set_element_type(openvino.Type.u8).set_layout(openvino.Layout("NHWC"))
        steps.input().model().set_layout(openvino.Layout("NCHW"))
        steps.input().preprocess().convert_element_type(openvino.Type.f32).scale(255.0)
        model = steps.build()
    return _core().compile_model(
        model,
        "CPU",
        {
            "PERFORMANCE_HINT": "THROUGHPUT",
            "INFERENCE_PRECISION_HINT": "f32",
            "INFERENCE_NUM_THREADS": threads,
        },
    )


def _convert(openvino: Any, net: Frozen, channels: int, size: int, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    _trim_nets(path.parent)
    example = torch.rand(SHARE, channels, size, size)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of tracing, which is what OpenVINO's converter would do
        # Traced here, because torch's check of a trace takes three times as long as all the rest; `_agrees` stands
        # in for it.
        traced = torch.jit.trace(net, example, strict=False, check_trace=False)  # type: ignore[no-untyped-call]
        model = openvino.convert_model(traced, example_input=example, input=[SHARE, channels, size, size])
    # Written under another name first: two processes may convert the same net at once.
    temporary = path.with_name(f"{os.getpid()}-{path.name}")
    openvino.save_model(model, temporary, compress_to_fp16=False)
    temporary.with_suffix(".bin").replace(path.with_suffix(".bin"))
    temporary.replace(path)


@functools.cache
def _core() -> Any:
    # One for the life of the process. Each gives the thread that makes it a stack for signals, and puts back what it
    # found when it goes: of two that do not go in the opposite order, that is a stack which is no longer there, and
    # the next signal (Ctrl-C, stop) would kill the process.
    import openvino

    return openvino.Core()


def _trim_nets(folder: Path) -> None:
    kept = [(net, net.with_suffix(".bin")) for net in folder.glob("*.xml")]
    entries = [
        (files[0].stat().st_mtime, sum(file.stat().st_size for file in files if file.exists()), files)
        for files in kept
    ]
    make_room(entries, KEPT_BYTES["nets"], _remove_net)


def _remove_net(files: tuple[Path, Path]) -> bool:
    try:
        for file in reversed(files):
            file.unlink(missing_ok=True)
    except OSError:  # on Windows a net that is in use stays
        return False
    return True


def _agrees(net: Frozen, run: Features, channels: int, size: int) -> bool:
    generator = torch.Generator().manual_seed(0)
    probe = torch.rand(2, channels, size, size, generator=generator)
    with torch.no_grad():
        expected = net(probe)
    found = run(probe)
    scale = float(expected.abs().max()) or 1.0
    difference = float((found - expected).abs().max()) / scale
    if not difference <= TOLERANCE:
        LOG.warning("OpenVINO differs from PyTorch by %.1e on this network; PyTorch runs it", difference)
        return False
    return True
