"""A thread may have fewer cores than the program, and the program never has fewer for that."""

from __future__ import annotations

import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest
import torch

from engine.models import thread_on


def test_however_many_ask_for_threads_at_once_each_has_its_cores_and_the_program_all_of_its(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    threads, setting = torch.get_num_threads(), torch.set_num_threads
    setting(4)

    def slowly(cores: int) -> None:
        setting(cores)
        time.sleep(0.005)  # so that others come in between

    monkeypatch.setattr(torch, "set_num_threads", slowly)

    def asked(cores: int) -> int:
        with thread_on(cores) as thread:
            return thread.submit(torch.get_num_threads).result()

    try:
        for _ in range(5):
            with ThreadPoolExecutor(8) as new:  # threads that have not asked PyTorch for anything yet
                wanted = [1, 2, 3, 1, 2, 3, 1, 2]
                assert list(new.map(asked, wanted)) == wanted
                assert set(new.map(lambda _: torch.get_num_threads(), range(8))) == {4}
        assert torch.get_num_threads() == 4
    finally:
        setting(threads)


def test_a_thread_that_cannot_start_keeps_nobody_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    before, cores = {*threading.enumerate()}, torch.get_num_threads()

    def submit(self: ThreadPoolExecutor, *given: Any) -> Future[None]:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(ThreadPoolExecutor, "submit", submit)
    with pytest.raises(RuntimeError, match="start new thread"):
        thread_on(1)
    monkeypatch.undo()
    with thread_on(1) as thread:
        assert thread.submit(torch.get_num_threads).result() == 1
    assert {*threading.enumerate()} <= before and torch.get_num_threads() == cores
