"""Heatmaps that somebody waits for, made one at a time in a process of their own.

A window must answer a verdict at once, so it computes nothing: it asks here, is told how far the work is, and asks
again. The process starts with the first wish, runs at a lower priority, and ends when nobody has wished for anything
for a while, or when whoever started it is gone.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections import OrderedDict
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from engine.errors import EngineError, RunError
from engine.records import Explanation, Prediction, Run
from engine.runs import KeptMaps

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

    from engine.prediction import Explainer

IDLE_SECONDS = 600.0
OUTCOMES = 64  # that wait for whoever asked


class Wish(NamedTuple):
    """What somebody wants to see: a case of a run by a method, for a class."""

    run: Run
    case: Prediction
    method: str
    target: str

    @property
    def key(self) -> tuple[str, ...]:
        """By which two wishes are the same."""
        return str(self.run.folder), self.case.image_id, self.method, self.target


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """How far a wish is.

    Attributes:
        explanation: The map, once it is there.
        share: Of the work that is done, in [0, 1].
        begun: Whether it is worked on, or waits behind others.
    """

    explanation: Explanation | None = None
    share: float = 0.0
    begun: bool = False


@dataclass(eq=False)
class _Job:
    wish: Wish
    owners: dict[str, bool] = field(default_factory=dict)  # who wants it → whether only ahead of time
    ticket: int = 0  # above 0 while it is worked on

    @property
    def ahead(self) -> bool:
        return all(self.owners.values())


class Explaining:
    """Answers the wishes of all readers of a window.

    Each has one wish at a time, and one more ahead of time: a new one takes the place of the one before, whose work is
    dropped where nobody else wants it. What a reader waits for goes before what is wished ahead of time.

    Args:
        cache_dir: `Workspace.cache`.
        idle_seconds: After which the process ends.
    """

    def __init__(self, cache_dir: Path, *, idle_seconds: float = IDLE_SECONDS) -> None:
        self._cache_dir = cache_dir
        self._kept = KeptMaps(cache_dir)
        self._idle_seconds = idle_seconds
        self._lock = threading.RLock()
        self._jobs: OrderedDict[tuple[str, ...], _Job] = OrderedDict()
        self._outcomes: OrderedDict[tuple[str, ...], Explanation | Exception] = OrderedDict()
        self._tickets = 0
        self._busy = False  # also while it is at work on what nobody wants any more
        self._pool: ProcessPoolExecutor | None = None
        self._stop: Any = None
        self._done: Any = None
        self._over: Any = None
        self._idle: threading.Timer | None = None

    def ask(self, who: str, wish: Wish, *, ahead: bool = False) -> Answer:
        """Say what somebody wants, and learn how far it is.

        Args:
            who: Names the reader.
            wish: What is wanted.
            ahead: It is not waited for yet.

        Raises:
            EngineError: It cannot be had; asked again, it is tried again.
        """
        with self._lock:
            outcome = self._outcomes.pop(wish.key, None)
            if isinstance(outcome, Exception):
                raise outcome
            if outcome is None and wish.key not in self._jobs:
                outcome = self._kept.find(wish.run, wish.case.image_id, wish.method, wish.target)
            self._take_place(who, wish, ahead)
            if outcome is not None:
                return Answer(explanation=outcome)
            job = self._jobs.setdefault(wish.key, _Job(wish))
            job.owners[who] = ahead and job.owners.get(who, True)
            self._next()
            if job.ticket and self._done is not None:
                return Answer(share=min(1.0, max(0.0, self._done.value)), begun=True)
            return Answer()

    def drop(self, who: str) -> None:
        """Forget what somebody wanted."""
        with self._lock:
            for job in list(self._jobs.values()):
                self._disown(job, who)

    def close(self) -> None:
        """End the process at once, whatever it is at, and forget every wish.

        Python waits at its end for work that was begun: a window that is asked to end would go on for as long as a slow
        method computes, or PyTorch is loaded.
        """
        with self._lock:
            self._jobs.clear()
            self._end()

    def _take_place(self, who: str, wish: Wish, ahead: bool) -> None:
        """Let a wish take the place of the one before, of its kind; what is waited for also ends what was ahead."""
        for job in list(self._jobs.values()):
            if job.wish.key != wish.key and who in job.owners and (job.owners[who] or not ahead):
                self._disown(job, who)

    def _disown(self, job: _Job, who: str) -> None:
        job.owners.pop(who, None)
        if not job.owners:
            self._jobs.pop(job.wish.key, None)
            if job.ticket:
                self._stop.value = job.ticket

    def _next(self) -> None:
        """Begin the next work where none is under way; what is waited for ends what is not."""
        waiting = [job for job in self._jobs.values() if not job.ticket]
        wanted = [job for job in waiting if not job.ahead]
        working = self._working
        if working is not None:
            if wanted and working.ahead:
                self._jobs.pop(working.wish.key, None)
                self._stop.value = working.ticket
            return
        if waiting and not self._busy:
            self._begin((wanted or waiting)[0])

    @property
    def _working(self) -> _Job | None:
        return next((job for job in self._jobs.values() if job.ticket), None)

    def _begin(self, job: _Job) -> None:
        if self._idle is not None:
            self._idle.cancel()
        if self._pool is None:
            context = multiprocessing.get_context(
                "spawn"
            )  # a fork would carry the window's threads and locks along
            # Nothing that is shared has a lock: a process that is killed would keep it for ever.
            self._stop, self._done = context.Value("q", 0, lock=False), context.Value("d", 0.0, lock=False)
            over, self._over = context.Pipe(duplex=False)
            at_hand = (self._cache_dir, self._stop, self._done, over)
            self._pool = ProcessPoolExecutor(1, context, initializer=_begin_process, initargs=at_hand)
        self._tickets += 1
        job.ticket, self._busy, self._done.value = self._tickets, True, 0.0
        try:
            future = self._pool.submit(_explain, job.ticket, job.wish)
        except BrokenProcessPool as error:  # it died while nothing was asked of it
            future = Future()
            future.set_exception(error)
        future.add_done_callback(lambda done: self._finished(job, done))

    def _finished(self, job: _Job, future: Future[Explanation]) -> None:
        with self._lock:
            self._busy = False
            if future.cancelled():
                return
            error = future.exception()
            if isinstance(error, BrokenProcessPool):
                self._end()
                error = RunError(
                    f"The process that makes heatmaps ended while it computed {job.wish.method}",
                    "Try again; if it happens again there is too little memory: close other programs, or choose "
                    "another method",
                )
            if not isinstance(error, _Stopped):
                outcome = error if isinstance(error, Exception) else future.result()
                if self._jobs.get(job.wish.key) is job:
                    del self._jobs[job.wish.key]
                    self._outcomes[job.wish.key] = outcome
                while len(self._outcomes) > OUTCOMES:
                    self._outcomes.popitem(last=False)
            self._next()
            if not self._busy and self._pool is not None:
                self._idle = threading.Timer(self._idle_seconds, self._end_if_idle)
                self._idle.daemon = True
                self._idle.start()

    def _end_if_idle(self) -> None:
        with self._lock:
            if not self._busy:
                self._end()

    def _end(self) -> None:
        if self._idle is not None:
            self._idle.cancel()
        pool, self._pool, self._busy = self._pool, None, False
        if pool is not None:
            self._stop.value = self._tickets
            pool.shutdown(wait=False, cancel_futures=True)
            self._over.close()


# ------------------------------------------------------------------------------------------- in the other process


class _Stopped(EngineError):  # noqa: N818  an end, not a failure
    """Nobody wants it any more."""


class _Here:
    """What the process has at hand."""

    explainer: Explainer
    stop: Any
    done: Any


def _begin_process(cache_dir: Path, stop: Any, done: Any, over: Connection) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the window, which ends us
    threading.Thread(target=_end_when_over, args=[over], daemon=True).start()
    if hasattr(os, "nice"):
        with suppress(OSError):
            os.nice(5)
    import torch

    from engine.prediction import Explainer

    # One core stays free: threads that wait for one another on a busy core take many times as long as fewer would.
    torch.set_num_threads(max(1, (os.cpu_count() or 1) - 1))

    _Here.explainer, _Here.stop, _Here.done = Explainer(cache_dir), stop, done


def _end_when_over(over: Connection) -> None:
    """End when the other end is closed, or whoever started us is gone, however that came about.

    In the midst of work: what is kept is put in its place when it is whole.
    """
    with suppress(EOFError, OSError):
        over.recv_bytes()
    os._exit(0)


def _explain(ticket: int, wish: Wish) -> Explanation:
    def progress(done: int, of: int) -> None:
        if _Here.stop.value == ticket:
            raise _Stopped("The heatmap was cancelled", "Choose it again")
        _Here.done.value = done / of

    return _Here.explainer.explain(wish.run, wish.case, wish.method, wish.target, progress=progress)
