"""Prediction shared among the workers of a cluster: each keeps the nets, and reads piece after piece of the images.

A piece is whole batches, so that each batch is the one it would be on a single machine. A worker that dies is replaced,
and its piece is read again; what no worker could read is tried here, where the images are known to be.
"""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

from engine.cluster.connecting import AT_ONE_PATH, check_address, connected, in_our_words
from engine.errors import ClusterError, DataError
from engine.images import ImageCache
from engine.prediction import Loaded, check_choice, predict_and_explain
from engine.records import Explanation, Part, Prediction, Run, Sample
from engine.runs import load_run
from engine.saliency import DEFAULT_SALIENCY

Progress = Callable[[int, int], None]
Told = tuple[Prediction, Explanation | None]

BATCH = 64
PIECES = 8  # for each worker at least, so that none waits long for the slowest
LARGEST = 1024  # images a piece: what comes back lies in memory
LIVES = 3  # how often a worker is replaced


class Reader:
    """A worker: reads pieces of the images with one run.

    Args:
        folder: The run's, at the same place on every machine.
        images: How many there are in all: whether converting a net pays depends on that.
        cache_dir: See `engine.prediction.predict`; so are those that follow.
        device: See above.
        parts: See above.
        method: See `engine.prediction.predict_and_explain`.
        target: See above.

    Raises:
        ClusterError: The run is not there, on this machine.
    """

    def __init__(
        self,
        folder: Path,
        images: int,
        *,
        cache_dir: Path,
        device: str,
        parts: Mapping[str, Part],
        method: str | None,
        target: str | None,
    ) -> None:
        self._folder, self._loaded = folder, Loaded(images)
        self._cache_dir, self._device, self._parts = cache_dir, device, parts
        self._method, self._target = method, target

    def read(self, samples: Sequence[Sample]) -> list[Told]:
        """Return what is told of the images that can be read."""
        if not self._folder.is_dir():
            raise ClusterError(
                f"{self._folder} is not there on {platform.node()}, a computer of the cluster",
                AT_ONE_PATH,
            )
        try:
            return list(
                predict_and_explain(
                    load_run(self._folder),
                    samples,
                    cache_dir=self._cache_dir,
                    device=self._device,
                    parts=self._parts,
                    batch_size=BATCH,
                    method=self._method,
                    target=self._target,
                    loaded=self._loaded,
                )
            )
        except DataError:  # none of this piece: others may well be
            return []


def reads_on(on: str | None, workers: int | None) -> Callable[..., Iterator[Told]]:
    """Return what does the work of `engine.prediction.predict_and_explain`: here where `on` is None, else on a cluster.

    Raises:
        ClusterError: `on` is no address.
    """
    if on is None:
        return predict_and_explain
    check_address(on)
    return partial(predict_on, on, workers)


def predict_on(
    on: str,
    workers: int | None,
    run: Run,
    samples: Sequence[Sample],
    *,
    cache_dir: Path,
    device: str = "auto",
    parts: Mapping[str, Part] | None = None,
    progress: Progress | None = None,
    method: str | None = DEFAULT_SALIENCY,
    target: str | None = None,
    cache: ImageCache | None = None,
) -> Iterator[Told]:
    """Do what `engine.prediction.predict_and_explain` does, on a cluster.

    Args:
        on: "ray", or "ray://HOST:PORT".
        workers: How many; None means one a GPU, or one a core.
        run: See `engine.prediction.predict_and_explain`; so are those that follow.
        samples: See above.
        cache_dir: See above.
        device: See above.
        parts: See above.
        progress: See above.
        method: See above.
        target: See above.
        cache: Not used: every worker decodes its own pieces.

    Yields:
        One prediction and its explanation an image, in the order of `samples`.

    Raises:
        ClusterError: There is no such cluster, its machines lack the run, or its workers end again and again.
        DataError: No image can be read.
    """
    check_choice(run, method, target)
    told: dict[str, Told] = {}
    with connected(on) as machines:
        number, each = machines.share(workers)
        pieces = _pieces(samples, number)
        given = {
            "cache_dir": cache_dir, "device": device, "parts": parts or {}, "method": method, "target": target
        }  # fmt: skip
        done = 0
        for piece, found in zip(
            pieces,
            _read(pieces, run.folder, len(samples), min(number, len(pieces)), each, given),
            strict=True,
        ):
            told |= {one[0].image_id: one for one in found}
            done += len(piece)
            if progress is not None:
                progress(done, len(samples))
    lost = [sample for sample in samples if sample.image_id not in told]
    if lost:
        try:
            again = predict_and_explain(
                run, lost, cache_dir=cache_dir, device=device, parts=parts, method=method, target=target
            )
            told |= {one[0].image_id: one for one in again}
        except DataError:
            if not told:
                raise
    yield from (told[sample.image_id] for sample in samples if sample.image_id in told)


def _pieces(samples: Sequence[Sample], workers: int) -> list[Sequence[Sample]]:
    """Cut images into whole batches, several pieces for each worker."""
    batches = -(-len(samples) // BATCH)
    size = min(LARGEST, BATCH * max(1, batches // (workers * PIECES)))
    return [samples[at : at + size] for at in range(0, len(samples), size)]


def _read(
    pieces: Sequence[Sequence[Sample]],
    folder: Path,
    images: int,
    workers: int,
    each: Mapping[str, float],
    given: Mapping[str, object],
) -> Iterator[list[Told]]:
    """Yield what is told of each piece, in their order; a worker that dies is replaced and reads its piece again."""
    import ray
    from ray.util import ActorPool

    kind = ray.remote(max_restarts=LIVES, max_task_retries=LIVES, **each)(Reader)
    readers = [kind.remote(folder, images, **given) for _ in range(workers)]
    pool = ActorPool(readers)
    with in_our_words("read the images"):
        yield from pool.map(lambda reader, piece: reader.read.remote(piece), pieces)
    for reader in readers:
        ray.kill(reader)
