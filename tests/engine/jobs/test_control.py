"""Promises of `engine.jobs.control`, kept by real processes: nothing here is simulated but the work itself."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from engine.errors import DataError, RunError, TrainingError, TrainingStopped
from engine.jobs import __main__ as job_process, control as jobs
from engine.jobs.__main__ import Clock
from engine.jobs.child import Waiting, waiting
from engine.jobs.expected import took
from engine.jobs.files import LOG_FILE, JobReporter, JobStatus, load_request, write_status
from engine.records import Epoch, Phase, Recipe, TrainingRequest
from engine.storage import LONGEST_LOG
from engine.workspace import Workspace, open_workspace

ROOT = Path(__file__).parents[3]
HERE = "tests.engine.jobs.test_control"
RECIPE = Recipe(
    name="test",
    title="Test",
    source="none",
    backbone="tf_efficientnet_lite0",
    phases=(Phase(name="head", epochs=2), Phase(name="all", epochs=1)),
)


# ------------------------------------------------------------------------------- work for the child to do


def an_epoch(number: int) -> Epoch:
    return Epoch(
        number=number,
        phase="head",
        train_loss=1.0 / number,
        val_loss=float("nan"),
        val_accuracy=0.5,
        val_auc=0.5,
        learning_rate=1e-3,
        seconds=0.1,
        images_per_second=10.0,
    )


def quick(folder: Path, report: JobReporter) -> None:
    """Three epochs and a prediction, in no time."""
    report.stage("training", "Training.")
    for number in (1, 2, 3):
        report.batch(1, 2)
        report.epoch(an_epoch(number), 3)
    report.stage("predicting", "Predicting.")
    (folder / "resumed").write_text(str(load_request(folder).resume))


def endless(_folder: Path, report: JobReporter) -> None:
    """One epoch, then batches until somebody presses stop."""
    report.stage("training", "Training.")
    report.epoch(an_epoch(1), 3)
    for done in range(1, 100_000):
        report.batch(done, 100_000)
        if report.should_stop():
            raise TrainingStopped("Stopped after epoch 1 of 3", "Resume it to continue")
        time.sleep(0.02)


def until_let_go(folder: Path, report: JobReporter) -> None:
    report.stage("training", "Training.")
    while not (folder / "let go").exists():
        time.sleep(0.02)
    (folder / "finished").touch()


def bad_data(_folder: Path, _report: JobReporter) -> None:
    raise DataError("The folder holds one class only", "Add films of a second class")


def defect(_folder: Path, _report: JobReporter) -> None:
    raise ValueError("shapes (3,) and (4,) differ")


def out_of_memory(_folder: Path, _report: JobReporter) -> None:
    raise MemoryError


def chatty(folder: Path, report: JobReporter) -> None:
    """Print for ever, until somebody presses stop; a thousand times the longest log would not be enough."""
    report.stage("training", "Training.")
    print("first words", flush=True)
    printed = 0
    while not report.should_stop():
        os.write(2, b"the same warning again and again\n" * 4_000)
        printed += 33 * 4_000
        if printed > 2 * LONGEST_LOG:
            (folder / "has said much").touch()
        time.sleep(0.005)
    print("last words", flush=True)
    raise TrainingStopped("Stopped", "Resume it to continue")


def silent(_folder: Path, report: JobReporter) -> None:
    report.stage("training", "Training.")
    time.sleep(60)


# --------------------------------------------------------------------------------------------- the tests


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Workspace]:
    """A workspace in which no process is left behind."""
    workspace = open_workspace(tmp_path / "workspace")
    yield workspace
    for now in jobs.list_jobs(workspace):
        if now.pid not in (0, os.getpid()) and psutil.pid_exists(now.pid):
            process = psutil.Process(now.pid)
            process.kill()
            process.wait(timeout=10)


def test_a_log_has_an_end_though_the_job_prints_for_ever(bench: Workspace) -> None:
    job = start(bench, chatty)
    log = job.folder / LOG_FILE
    wait_until(job.folder, lambda now: (job.folder / "has said much").exists(), 60)
    wait_until(
        job.folder,
        lambda now: log.stat().st_size < LONGEST_LOG and b"are left out here" in log.read_bytes(),
    )
    jobs.stop(job.folder)
    wait_until(job.folder, lambda now: not now.working)
    said = log.read_bytes()
    assert said.startswith(b"first words\n") and b"last words" in said
    if sys.platform != "win32":
        assert log.stat().st_mode & 0o077 == 0


def start(
    workspace: Workspace, work: Callable[[Path, JobReporter], None], at_hand: Waiting | None = None
) -> jobs.Job:
    return jobs.submit(
        workspace,
        TrainingRequest(recipe=RECIPE, dataset_id="0123456789ab"),
        runner=f"{HERE}:{work.__name__}",
        at_hand=at_hand,
    )


def wait_until(
    folder: Path, is_so: Callable[[JobStatus], bool], seconds: float = 60, *, look: float = 0.05
) -> JobStatus:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        now = jobs.status(folder)
        if is_so(now):
            return now
        time.sleep(look)
    raise AssertionError(f"not within {seconds} s: {jobs.status(folder)}\n{jobs.log_tail(folder)}")


def test_a_run_reports_every_stage_up_to_done(bench: Workspace) -> None:
    job = start(bench, quick)
    seen = list(jobs.watch(job.folder, interval=0.02))
    assert seen[0].state == "starting"
    assert seen[0].epochs == 3  # known from the recipe before the first epoch
    assert seen[-1].state == "done", seen[-1].message
    assert seen[-1].epoch == 3
    assert seen[-1].last_epoch is not None
    assert seen[-1].last_epoch.train_loss == pytest.approx(1 / 3)
    assert seen[-1].seconds_left is None


def test_the_child_finds_the_request_as_it_was_made(bench: Workspace) -> None:
    job = jobs.submit(
        bench,
        TrainingRequest(
            recipe=RECIPE,
            dataset_id="0123456789ab",
            ratios=(0.5, 0.25, 0.25),
            split_seed=7,
            use_given=True,
            positive="pneumonia",
        ),
        runner=f"{HERE}:quick",
    )
    request = load_request(job.folder)
    training = request.training
    assert training.recipe == RECIPE
    assert (request.workspace, training.dataset_id) == (bench.root, "0123456789ab")
    assert (training.ratios, training.split_seed) == ((0.5, 0.25, 0.25), 7)
    assert (training.use_given, training.positive, request.resume) == (True, "pneumonia", False)
    wait_until(job.folder, lambda now: now.state == "done")


def test_stop_ends_a_run_within_a_batch(bench: Workspace) -> None:
    job = start(bench, endless)
    wait_until(job.folder, lambda now: now.batch > 0)
    began = time.monotonic()
    jobs.stop(job.folder)
    now = wait_until(job.folder, lambda now: not now.working)
    assert now.state == "stopped"
    assert time.monotonic() - began < 20  # of more than half an hour
    assert now.message == "Stopped after epoch 1 of 3. Resume it to continue."


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The one second hand that what is left of a training is told by."""
    now = [100.0]
    monkeypatch.setattr(job_process, "time", SimpleNamespace(monotonic=lambda: now[0]))
    return now


def test_the_time_left_allows_for_a_slow_phase_still_to_come(clock: list[float]) -> None:
    told = Clock([("head", 2), ("fine-tune", 3)])
    assert told.seconds_left(0, 0) is None
    clock[0] += 0.5  # reading the images and running the frozen net over them
    first = replace(an_epoch(1), phase="head", seconds=0.0)
    told.epoch_done(first, 5)
    assert told.seconds_left(0, 0) == pytest.approx(3 * 0.5)
    told.epoch_done(replace(first, number=2), 5)
    clock[0] += 0.2
    assert told.seconds_left(10, 20) == pytest.approx(3 * 0.4 - 0.2)  # half of the first slow epoch
    for number in (3, 4, 5):
        told.epoch_done(replace(first, number=number, phase="fine-tune", seconds=0.4), 5)
    assert told.seconds_left(0, 0) == 0


def test_the_time_left_is_right_after_a_phase_that_ended_early(clock: list[float]) -> None:
    told = Clock([("head", 30), ("fine-tune", 3)])
    told.epoch_done(replace(an_epoch(1), phase="head", seconds=1.0), 33)
    told.epoch_done(replace(an_epoch(2), phase="fine-tune", seconds=2.0), 33)
    assert told.seconds_left(0, 0) == pytest.approx(2 * 2.0)


def test_a_polite_signal_stops_like_the_button(bench: Workspace) -> None:
    job = start(bench, endless)
    now = wait_until(job.folder, lambda now: now.batch > 0)
    os.kill(now.pid, signal.SIGTERM)
    assert wait_until(job.folder, lambda now: not now.working).state == "stopped"


def test_a_killed_run_is_lost_at_once_and_can_be_resumed(bench: Workspace) -> None:
    job = start(bench, endless)
    now = wait_until(job.folder, lambda now: now.batch > 0)
    os.kill(now.pid, signal.SIGKILL)
    now = wait_until(job.folder, lambda now: not now.working, jobs.SILENCE / 2)
    assert (now.state, now.resumable) == ("lost", True)
    assert "after epoch 1 of 3" in now.message
    assert "Resume it" in now.message
    again = jobs.resume(bench, job.job_id, runner=f"{HERE}:quick")
    assert again == job
    done = wait_until(job.folder, lambda now: not now.working)
    assert done.state == "done"
    assert (job.folder / "resumed").read_text() == "True"
    assert done.started == now.started < done.heartbeat  # the page names a run by when it was started
    assert took(done) is None  # the time in which nothing was done is not what a training takes


def test_a_killed_run_leaves_no_zombie(bench: Workspace) -> None:
    job = start(bench, endless)
    now = wait_until(job.folder, lambda now: now.batch > 0)
    os.kill(now.pid, signal.SIGKILL)
    wait_until(job.folder, lambda _: not psutil.pid_exists(now.pid))


@pytest.mark.parametrize("wakes", [True, False])
def test_a_training_that_is_silent_is_at_work_and_said_to_be_silent_and_stop_ends_it(
    wakes: bool, bench: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = start(bench, endless)
    process = psutil.Process(wait_until(job.folder, lambda now: now.batch > 0).pid)
    process.suspend()  # alive, and without a heartbeat
    monkeypatch.setattr(jobs, "SILENCE", 1.5)
    monkeypatch.setattr(jobs, "PATIENCE", 5.0 if wakes else 0.1)
    now = wait_until(job.folder, lambda now: "not reported lately" in now.message)
    assert (now.state, now.resumable, process.is_running()) == ("training", False, True)
    with pytest.raises(TrainingError, match="still training"):
        start(bench, quick)
    if wakes:  # as after a sleep, while it is asked to stop
        threading.Timer(0.1, process.resume).start()
    jobs.stop(job.folder)
    assert not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    assert jobs.status(job.folder).state == ("stopped" if wakes else "lost")


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the system keeps when a process began")
def test_a_training_outlives_a_clock_that_is_set(bench: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """Linux then says that the computer started at another moment, and every process with it."""
    job = start(bench, endless)
    wait_until(job.folder, lambda now: now.batch > 0)
    jobs._children.clear()  # as another program, which was not the one to start it
    before = psutil._pslinux.boot_time()
    monkeypatch.setattr(psutil._pslinux, "boot_time", lambda: before + 3600.0)
    assert jobs.status(job.folder).state == "training"


def test_another_process_with_the_same_pid_is_not_taken_for_the_run(bench: Workspace) -> None:
    job = start(bench, quick)
    now = wait_until(job.folder, lambda now: now.state == "done")
    me = psutil.Process()
    recent = replace(now, state="training", heartbeat=time.time(), pid=me.pid)
    jobs._children.clear()
    write_status(replace(recent, process_started=me.create_time()))
    assert jobs.status(job.folder).state == "training"
    write_status(replace(recent, process_started=me.create_time() - 3600))
    assert jobs.status(job.folder).state == "lost"


def test_a_second_run_is_refused_while_one_works_and_welcome_afterwards(bench: Workspace) -> None:
    job = start(bench, endless)
    with pytest.raises(TrainingError, match=f"Run {job.job_id} is still"):
        start(bench, quick)
    with pytest.raises(TrainingError, match="still"):
        jobs.resume(bench, job.job_id)
    assert len(jobs.list_jobs(bench)) == 1
    jobs.stop(job.folder)
    wait_until(job.folder, lambda now: not now.working)
    second = start(bench, quick)
    wait_until(second.folder, lambda now: now.state == "done")
    assert [now.job_id for now in jobs.list_jobs(bench)] == sorted([job.job_id, second.job_id], reverse=True)


@pytest.mark.parametrize(
    ("work", "sentences"),
    [
        (bad_data, "The folder holds one class only. Add films of a second class."),
        (out_of_memory, "not enough memory"),
        (defect, "ValueError: shapes (3,) and (4,) differ"),
    ],
)
def test_a_failure_ends_in_a_sentence(
    bench: Workspace, work: Callable[[Path, JobReporter], None], sentences: str
) -> None:
    job = start(bench, work)
    now = wait_until(job.folder, lambda now: not now.working)
    assert now.state == "failed"
    assert sentences in now.message
    assert "Traceback" not in now.message


def test_the_trace_of_a_defect_is_in_the_log(bench: Workspace) -> None:
    job = start(bench, defect)
    now = wait_until(job.folder, lambda now: not now.working)
    assert "job.log" in now.message
    wait_until(job.folder, lambda _: 'raise ValueError("shapes' in jobs.log_tail(job.folder))


def test_a_run_outlives_whoever_started_it_and_a_stranger_can_watch(bench: Workspace) -> None:
    starter = f"""
        import sys, time
        from pathlib import Path
        from engine.jobs import control as jobs
        from engine.workspace import open_workspace
        from engine.records import TrainingRequest
        from tests.engine.jobs.test_control import RECIPE
        job = jobs.submit(open_workspace(Path({str(bench.root)!r})),
                          TrainingRequest(recipe=RECIPE, dataset_id="0123456789ab"),
                          runner="{HERE}:until_let_go")
        print(job.folder, flush=True)
        time.sleep(60)
    """
    parent = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(starter)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    folder = Path(parent.stdout.readline().strip())
    wait_until(folder, lambda now: now.state == "training")  # seen from here, another process
    parent.kill()
    parent.wait()
    parent.stdout.close()
    assert jobs.status(folder).state == "training"
    (folder / "let go").touch()
    assert wait_until(folder, lambda now: not now.working).state == "done"
    assert (folder / "finished").exists()


def test_a_finished_run_cannot_be_resumed(bench: Workspace) -> None:
    job = start(bench, quick)
    wait_until(job.folder, lambda now: now.state == "done")
    with pytest.raises(TrainingError, match="is done"):
        jobs.resume(bench, job.job_id)


def test_a_run_that_is_not_there_is_said_to_be_so(bench: Workspace) -> None:
    with pytest.raises(RunError, match="no run in"):
        jobs.status(bench.runs / "20200101-000000-abcd")


@pytest.mark.parametrize("damage", [b'{"job_id":', b"\xff\xfe\x00", b"null", b'{"job_id": 1}'])
def test_one_damaged_status_hides_no_other_run(damage: bytes, workspace: Workspace) -> None:
    for name in ("20260101-000000-aaaa", "20260102-000000-bbbb"):
        folder = workspace.runs / name
        folder.mkdir()
        write_status(JobStatus(job_id=name, folder=folder, state="done"))
    (folder / "status.json").write_bytes(damage)
    assert [now.job_id for now in jobs.list_jobs(workspace)] == ["20260101-000000-aaaa"]
    with pytest.raises(RunError):
        jobs.status(folder)


def waiting_now() -> list[psutil.Process]:
    """Return the processes of trainings that this one started and that have no run yet."""
    until = time.monotonic() + 60
    while True:  # for a moment after its start a process has no command line yet
        found = []
        for child in psutil.Process().children():
            with suppress(psutil.Error):  # one that another test started may be about to go
                if child.cmdline()[1:] == ["-m", "engine.jobs"]:
                    found.append(child)
        if found or time.monotonic() > until:
            return found
        time.sleep(0.01)


def test_a_process_that_waits_gets_the_run_and_is_one_that_was_started_for_it(bench: Workspace) -> None:
    with waiting() as at_hand:
        (child,) = waiting_now()
        job = start(bench, defect, at_hand)
    assert job.folder in jobs.started_here()  # it outlives the block
    now = wait_until(job.folder, lambda now: not now.working, 120)
    assert (now.state, now.pid) == ("failed", child.pid)
    wait_until(job.folder, lambda now: 'raise ValueError("shapes' in jobs.log_tail(job.folder))


def test_a_process_that_waits_ends_without_a_run_and_one_that_is_gone_is_replaced(bench: Workspace) -> None:
    with waiting() as at_hand:
        (child,) = waiting_now()
        child.kill()
        child.wait(timeout=10)
        job = start(bench, quick, at_hand)
        assert wait_until(job.folder, lambda now: now.state == "done").pid != child.pid
    with pytest.raises(KeyboardInterrupt), waiting():
        (child,) = waiting_now()
        raise KeyboardInterrupt
    assert not psutil.pid_exists(child.pid)


def test_a_process_that_waits_ends_with_whoever_started_it() -> None:
    with subprocess.Popen([sys.executable, "-m", "engine.jobs"], cwd=ROOT, stdin=subprocess.PIPE) as child:
        assert child.stdin is not None
        child.stdin.close()
        assert child.wait(timeout=60) == 0
