"""Trainings on a cluster: each an actor, or several that train one model together, moved on epoch by epoch from here.

A training whose worker dies goes on from its last checkpoint in another, which gives the curve that it would have had.
What ends one training in words leaves the others be.
"""

from __future__ import annotations

import platform
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from engine.cluster.connecting import AT_ONE_PATH, Machines, connected
from engine.errors import ClusterError, EngineError
from engine.pipeline import read_run
from engine.records import Epoch, Prediction, Split, TrainingRequest
from engine.runs import load_run
from engine.training import train
from engine.workspace import Workspace

LIVES = 3  # how often a training goes on after a worker of it died


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
    """A worker: one training, an epoch a call."""

    def __init__(self, training: Training) -> None:
        self._training = training
        self._epochs: Iterator[Epoch] | None = None

    def advance(self) -> Epoch | Ended:
        """Train an epoch; after the last, write the run down and read its images where that was asked for."""
        one, workspace = self._training, Workspace(self._training.workspace)
        if self._epochs is None:
            if not one.workspace.is_dir():
                raise ClusterError(
                    f"{one.workspace} is not there on {platform.node()}, a computer of the cluster",
                    AT_ONE_PATH,
                )
            self._epochs = self._train(workspace)
        for epoch in self._epochs:
            return epoch
        if not one.read:
            return Ended()
        predictions, _ = read_run(workspace, None, load_run(one.folder), device=one.request.device)
        return Ended(tuple(predictions))

    def _train(self, workspace: Workspace) -> Iterator[Epoch]:
        one = self._training
        if (one.folder / "run.json").exists():  # the worker before this one died as it read the images
            return
        yield from train(
            one.request,
            one.split,
            folder=one.folder,
            cache_dir=workspace.cache,
            dataset_name=one.dataset_name,
            resume=one.resume,
        )


@dataclass(eq=False)
class _Going:
    """A training that goes on.

    Attributes:
        key: Its name.
        training: As it was begun last.
        actors: Its workers; the first one reports.
        lives: How often it may still be begun again.
    """

    key: str
    training: Training
    actors: list[Any] = field(default_factory=list)
    lives: int = LIVES


class Crew:
    """The trainings that go on at the same time.

    Args:
        machines: What there is to work with.
        workers: Trainings at the same time; None means one a GPU, or one a core.
    """

    def __init__(self, machines: Machines, workers: int | None) -> None:
        self.size, self._each = machines.share(workers)
        self._going: dict[Any, _Going] = {}  # by what is waited for

    @property
    def busy(self) -> bool:
        """Whether a training goes on."""
        return bool(self._going)

    @property
    def free(self) -> bool:
        """Whether there is a worker for another one."""
        return len(self._going) < self.size

    def begin(self, key: str, training: Training) -> None:
        """Begin a training."""
        self._begin(_Going(key, training))

    def ready(self, seconds: float) -> bool:
        """Wait so long for something to happen in a training, and say whether it did."""
        import ray

        return bool(ray.wait([*self._going], num_returns=1, timeout=seconds)[0])

    def next(self) -> tuple[str, Epoch | Ended | EngineError]:
        """Wait for what happens next in any training, and say in which.

        Returns:
            An epoch, the end, or why it ended before its end.
        """
        import ray
        from ray.exceptions import RayActorError, RayTaskError

        ready, _ = ray.wait([*self._going], num_returns=1)
        one = self._going.pop(ready[0])
        try:
            said: Epoch | Ended = ray.get(ready[0])
        except RayActorError as error:
            self._end(one)
            if one.lives:
                one.lives -= 1
                one.training = replace(one.training, resume=True)
                self._begin(one)
                return self.next()
            return one.key, ClusterError(
                f"The worker of this training ended {LIVES + 1} times ({str(error).partition(chr(10))[0]})",
                "Ask for fewer --workers, so that each has more memory; the last checkpoint is kept",
            )
        except RayTaskError as error:
            self._end(one)
            if isinstance(error.cause, EngineError):
                return one.key, error.cause
            raise
        if isinstance(said, Ended):
            self._end(one)
        else:
            self._wait_for(one)
        return one.key, said

    def leave(self, key: str) -> None:
        """End a training now; its folder stays as it is."""
        for awaited, one in [*self._going.items()]:
            if one.key == key:
                del self._going[awaited]
                self._end(one)

    def _begin(self, one: _Going) -> None:
        import ray

        one.actors = [ray.remote(**self._each)(Trainer).remote(one.training)]
        self._wait_for(one)

    def _wait_for(self, one: _Going) -> None:
        self._going[one.actors[0].advance.remote()] = one

    def _end(self, one: _Going) -> None:
        import ray

        for actor in one.actors:
            ray.kill(actor)


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
            for one in {one.key for one in made._going.values()}:
                made.leave(one)
