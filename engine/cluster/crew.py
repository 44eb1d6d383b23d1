"""Trainings on a cluster: each an actor, or several that train one model together, moved on epoch by epoch from here.

A training whose worker dies goes on from its last checkpoint in another, which gives the curve that it would have had.
What ends one training in words leaves the others be.
"""

from __future__ import annotations

import platform
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from engine.cluster.connecting import AT_ONE_PATH, Machines, check_address, connected, in_our_words
from engine.errors import ClusterError, EngineError, TrainingStopped
from engine.pipeline import read_run
from engine.records import Epoch, Prediction, Split, TrainingRequest
from engine.runs import load_run
from engine.training import ALONE, BatchDone, StopRequested, joined, train
from engine.workspace import Workspace

LIVES = 3  # how often a training goes on after a worker of it died
SECONDS_BETWEEN_LOOKS = 1.0  # whether somebody pressed stop
SECONDS_TO_DIE = 10.0  # until a worker that is gone is known to be


@dataclass(frozen=True, kw_only=True)
class Training:
    """What one training is made of; see `engine.training.train`.

    Attributes:
        request: What was asked for.
        split: On what.
        folder: Of the run or its fold, at the same path on every machine.
        workspace: Its root, likewise.
        dataset_name: For people.
        resume: Go on from the folder's checkpoint, if there is one.
        read: Whether to predict and explain the run's images afterwards.
    """

    request: TrainingRequest
    split: Split
    folder: Path
    workspace: Path
    dataset_name: str
    resume: bool = False
    read: bool = False


@dataclass(frozen=True, eq=False)
class Ended:
    """A training came to its end; the run lies in its folder.

    Attributes:
        predictions: Of its validation and test images, where they were asked for.
    """

    predictions: tuple[Prediction, ...] = ()


class Trainer:
    """A worker: one process of a training, an epoch a call.

    Args:
        training: What to train.
        rank: Of this process among those that train it, from 0.
        world: How many they are.
    """

    def __init__(self, training: Training, rank: int = 0, world: int = 1) -> None:
        self._training, self._rank, self._world = training, rank, world
        self._epochs: Iterator[Epoch] | None = None

    def address(self) -> str:
        """Return where the others find this one."""
        import ray

        host = ray.util.get_node_ip_address()
        with socket.socket() as free:
            free.bind((host, 0))
            return f"tcp://{host}:{free.getsockname()[1]}"

    def advance(self, address: str) -> Epoch | Ended:
        """Train an epoch; after the last, write the run down and read its images where that was asked for.

        Args:
            address: Where the first of several processes is found.
        """
        one, workspace = self._training, Workspace(self._training.workspace)
        if self._epochs is None:
            if not one.workspace.is_dir():
                raise ClusterError(
                    f"{one.workspace} is not there on {platform.node()}, a computer of the cluster",
                    AT_ONE_PATH,
                )
            self._epochs = self._train(workspace, address)
        for epoch in self._epochs:
            return epoch
        if not one.read or self._rank:
            return Ended()
        predictions, _ = read_run(workspace, None, load_run(one.folder), device=one.request.device)
        return Ended(tuple(predictions))

    def _train(self, workspace: Workspace, address: str) -> Iterator[Epoch]:
        one = self._training
        if (one.folder / "run.json").exists():  # the worker before this one died as it read the images
            return
        with joined(self._rank, self._world, address) if self._world > 1 else nullcontext(ALONE) as processes:
            yield from train(
                one.request,
                one.split,
                folder=one.folder,
                cache_dir=workspace.cache,
                dataset_name=one.dataset_name,
                resume=one.resume,
                processes=processes,
            )


@dataclass(eq=False)
class _Going:
    """A training that goes on.

    Attributes:
        key: Its name.
        training: As it was begun last.
        processes: How many train it.
        lives: How often it may still be begun again.
        actors: Its workers; the first one reports.
        address: Where the first one is found by the others.
        awaited: What they are at, until it is done.
        first: Of these, the first worker's.
        said: What the first one said.
    """

    key: str
    training: Training
    processes: int
    lives: int = LIVES
    actors: list[Any] = field(default_factory=list)
    address: str = ""
    awaited: list[Any] = field(default_factory=list)
    first: Any = None
    said: Epoch | Ended | None = None


class Crew:
    """The trainings that go on at the same time.

    Args:
        machines: What there is to work with.
        workers: Processes at the same time; None means one a GPU, or one a core.
    """

    def __init__(self, machines: Machines, workers: int | None) -> None:
        self.size, self._each = machines.share(workers)
        self._going: dict[str, _Going] = {}

    @property
    def busy(self) -> bool:
        """Whether a training goes on."""
        return bool(self._going)

    @property
    def free(self) -> bool:
        """Whether there is a worker for another one."""
        return sum(one.processes for one in self._going.values()) < self.size

    def begin(self, key: str, training: Training, *, processes: int = 1) -> None:
        """Begin a training, in so many processes."""
        self._going[key] = _Going(key, training, processes)
        self._begin(self._going[key])

    def ready(self, seconds: float) -> bool:
        """Wait so long for something to happen in a training, and say whether it did."""
        import ray

        return bool(ray.wait(self._awaited(), num_returns=1, timeout=seconds)[0])

    def next(self) -> tuple[str, Epoch | Ended | EngineError]:
        """Wait for what happens next in any training, and say in which.

        Returns:
            An epoch, the end, or why it ended before its end.
        """
        import ray
        from ray.exceptions import RayActorError, RayTaskError

        while True:
            (ready,), _ = ray.wait(self._awaited(), num_returns=1)
            (one,) = (one for one in self._going.values() if ready in one.awaited)
            try:
                said = ray.get(ready)
            except (RayActorError, RayTaskError) as error:
                why = self._why(one, error)
                if why is None:
                    continue
                self.leave(one.key)
                return one.key, why
            if ready == one.first:
                one.said = said
            one.awaited.remove(ready)
            if one.awaited or one.said is None:  # all of them, before the next epoch
                continue
            said, one.said = one.said, None
            if isinstance(said, Ended):
                self.leave(one.key)
            else:
                self._advance(one)
            return one.key, said

    def leave(self, key: str) -> None:
        """End a training now, if it goes on; its folder stays as it is."""
        if key in self._going:
            self._end(self._going.pop(key))

    def _awaited(self) -> list[Any]:
        return [each for one in self._going.values() for each in one.awaited]

    def _begin(self, one: _Going) -> None:
        import ray

        kind = ray.remote(**self._each)(Trainer)
        one.actors = [kind.remote(one.training, rank, one.processes) for rank in range(one.processes)]
        if one.processes > 1:
            with in_our_words("train"):
                one.address = ray.get(one.actors[0].address.remote())
        self._advance(one)

    def _advance(self, one: _Going) -> None:
        one.awaited = [actor.advance.remote(one.address) for actor in one.actors]
        one.first = one.awaited[0]

    def _end(self, one: _Going) -> None:
        import ray

        for actor in one.actors:
            ray.kill(actor)

    def _why(self, one: _Going, error: Exception) -> EngineError | None:
        """Say why a training cannot go on; None where it does, because no more than a worker died."""
        from ray.exceptions import RayTaskError

        if isinstance(error, RayTaskError) and isinstance(error.cause, EngineError):
            return error.cause
        if isinstance(error, RayTaskError) and not self._lost_one(one):
            raise error
        self._end(one)
        if not one.lives:
            return ClusterError(
                f"The workers of this training ended {LIVES + 1} times "
                f"({str(error).strip().partition(chr(10))[0].rstrip('.')})",
                "Ask for fewer workers, so that each has more memory; the last checkpoint is kept",
                option="--workers",
            )
        one.lives -= 1
        one.said, one.training = None, replace(one.training, resume=True)
        self._begin(one)
        return None

    def _lost_one(self, one: _Going) -> bool:
        """Say whether a worker of a training died: the others then fail as they wait for its share."""
        import ray
        from ray.exceptions import RayActorError, RayTaskError

        for actor in one.actors:
            try:
                ray.get(actor.address.remote(), timeout=SECONDS_TO_DIE)
            except RayActorError:
                return True
            except (RayTaskError, TimeoutError):
                continue
        return False


def trains_on(on: str, workers: int) -> Callable[..., Iterator[Epoch]]:
    """Return what does the work of `engine.training.train`: here where `on` is empty, else on a cluster.

    Raises:
        ClusterError: `on` is no address.
    """
    if not on:
        return train
    check_address(on)
    return partial(train_on, on, workers or None)


def train_on(
    on: str,
    workers: int | None,
    request: TrainingRequest,
    split: Split,
    *,
    folder: Path,
    cache_dir: Path,
    dataset_name: str,
    should_stop: StopRequested = lambda: False,
    on_batch: BatchDone = lambda done, total: None,
    on_trained: Callable[[], None] = lambda: None,
    resume: bool = False,
) -> Iterator[Epoch]:
    """Do what `engine.training.train` does, in several processes of a cluster, each with a share of every batch.

    Args:
        on: "ray", or "ray://HOST:PORT".
        workers: How many; None means one a GPU, or one a core.
        request: See `engine.training.train`; so are those that follow.
        split: See above.
        folder: See above.
        cache_dir: See above.
        dataset_name: See above.
        should_stop: See above; asked once a second.
        on_batch: Not told: only whole epochs are known here.
        on_trained: See above; told when all is done.
        resume: See above.

    Yields:
        One record an epoch. After a worker died, those since the last checkpoint come again, with the same figures.

    Raises:
        ClusterError: There is no such cluster, or its workers end again and again.
    """
    training = Training(
        request=request,
        split=split,
        folder=folder,
        workspace=cache_dir.parent,
        dataset_name=dataset_name,
        resume=resume,
    )
    with crew_on(on, workers) as crew:
        crew.begin(folder.name, training, processes=crew.size)
        while crew.busy:
            while not crew.ready(SECONDS_BETWEEN_LOOKS):
                if should_stop():
                    raise TrainingStopped(
                        "The run was stopped",
                        "Resume it to continue from its last checkpoint, or start another",
                    )
            _, said = crew.next()
            if isinstance(said, EngineError):
                raise said
            if isinstance(said, Epoch):
                yield said
    on_trained()


@contextmanager
def crew_on(on: str, workers: int | None) -> Iterator[Crew]:
    """Have a crew for as long as the context lasts; what still goes on at its end is ended.

    Args:
        on: "ray", or "ray://HOST:PORT".
        workers: Trainings at the same time; None means one a GPU, or one a core.

    Raises:
        ClusterError: There is no such cluster.
    """
    with connected(on) as machines:
        made = Crew(machines, workers)
        try:
            yield made
        finally:
            for key in [*made._going]:
                made.leave(key)
