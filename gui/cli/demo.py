"""`overread demo`: the whole line on generated films, with the time of each step, ending on the review page.

The films are synthetic and their findings lie where we put them, so whether the heatmap looks at the finding
is a number here. No result of the demonstration says anything about patients.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Annotated

import typer

from engine import data, jobs, reading, recipes, records, report, runs
from engine.errors import TrainingError
from engine.workspace import Workspace, open_workspace
from gui.cli.data import print_issues, read_data
from gui.cli.options import START, BrowserOption, JsonOption, PortOption, WorkspaceOption, whole
from gui.cli.terminal import answers, say, show_json, show_table, watch_job
from sample_data import SAMPLE_TABLE

app = typer.Typer()

RECIPE = "demo"

# What the person sees as steps, by the state that the training process reports.
STEPS = {
    "starting": "start training",
    "training": "train",
    "calibrating": "train",
    "predicting": "predict and explain",
}


@dataclass
class Stopwatch:
    """Seconds by step, in the order the steps came."""

    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Time what happens inside."""
        began = time.monotonic()
        yield
        self.add(name, time.monotonic() - began)

    def add(self, name: str, seconds: float) -> None:
        """Count seconds towards a step."""
        self.seconds[name] = self.seconds.get(name, 0.0) + seconds


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """What the demonstration found out on the test films.

    Attributes:
        run: As trained.
        auc: Of the finding.
        sensitivity: At the operating point that was chosen on validation films.
        specificity: At the same point.
        pointing_game: How often the heatmap's peak lies on the known finding.
        seconds: By step.
    """

    run: records.Run
    auc: records.Estimate
    sensitivity: records.Estimate
    specificity: records.Estimate
    pointing_game: records.Estimate
    seconds: dict[str, float]


@app.command(rich_help_panel=START)
def demo(
    root: WorkspaceOption = None,
    port: PortOption = None,
    no_browser: BrowserOption = False,
    no_gui: Annotated[bool, typer.Option("--no-gui", help="Stop after the table.")] = False,
    as_json: JsonOption = False,
    seed: Annotated[int, typer.Option(parser=whole(0), metavar="N", help="For everything random.")] = 0,
) -> None:
    """Run every step on generated images, then open the review page. About a minute.

    Example: [bold]overread demo[/bold]
    """
    workspace = open_workspace(root)
    outcome = walk(workspace, seed=seed, beside=_import_line if no_gui else _import_window)
    if as_json:
        show_json(as_plain(outcome))
    else:
        print_outcome(outcome)
    if not no_gui:
        from gui.serving import serve

        serve(workspace, port=port, open_browser=not no_browser, page="review", run_id=outcome.run.run_id)


def _import_line() -> None:
    import engine.pipeline  # noqa: F401

    _ = report.build_report  # a chapter loads what is named of it


def _import_window() -> None:
    _import_line()
    from gui.app import import_pages

    import_pages()


def walk(workspace: Workspace, *, seed: int = 0, beside: Callable[[], None] = _import_line) -> Outcome:
    """Index, split, train, predict and explain the sample data in a workspace.

    Args:
        workspace: Gets the run and its cases.
        seed: For the split and everything random in training.
        beside: Done in a thread while the training process starts: what is needed afterwards takes seconds to
            import, and by then it is there.

    Raises:
        TrainingError: The training did not end well.
    """
    with jobs.waiting() as at_hand:  # the training process loads its libraries while images are read
        return _walk(workspace, seed=seed, beside=beside, at_hand=at_hand)


def _walk(workspace: Workspace, *, seed: int, beside: Callable[[], None], at_hand: jobs.Waiting) -> Outcome:
    watch = Stopwatch()
    say("Reading 400 synthetic chest films (drawn by a program, not from patients).")
    with watch.step("index"):
        index = read_data(workspace, SAMPLE_TABLE)
    print_issues(index)
    with watch.step("split"):
        split = data.split_index(index, seed=seed)
    counts = f"{len(split.train)} training, {len(split.val)} validation, {len(split.test)} test films"
    say(f"Split {data.unit_words(data.patients_named(index.samples))}: {counts}.")
    recipe = replace(recipes.RECIPES[RECIPE], seed=seed)
    say(f"Training “{recipe.title}” in a separate process.")
    job = jobs.submit(
        workspace,
        records.TrainingRequest(recipe=recipe, dataset_id=index.dataset_id, split_seed=seed),
        at_hand=at_hand,
    )
    threading.Thread(target=beside, daemon=True).start()
    end = watch_job(job.folder, on_change=_clock(watch))
    if end.state != "done":
        problem, _, remedy = end.message.partition(". ")
        raise TrainingError(problem, remedy or "Try again")
    with watch.step("measure"):
        run = runs.load_run(job.folder)
        with reading.open_store(workspace.database) as store:
            return measure(workspace, store, run, watch)


class _clock:  # noqa: N801  a function with a memory
    """Books the time between two reports of the training process to the step it was in."""

    def __init__(self, watch: Stopwatch) -> None:
        self.watch = watch
        self.step = STEPS["starting"]
        self.since = time.monotonic()

    def __call__(self, now: jobs.JobStatus) -> None:
        moment = time.monotonic()
        self.watch.add(self.step, moment - self.since)
        self.step, self.since = STEPS.get(now.state, self.step), moment


def measure(workspace: Workspace, store: reading.Store, run: records.Run, watch: Stopwatch) -> Outcome:
    """Take the figures from the report, so that the two never differ."""
    from engine.pipeline import report_run  # not at top: `beside` imports it meanwhile

    report = report_run(workspace, store, run)
    figures = report.against[0].estimates  # the labels that came with the films
    return Outcome(
        run=run,
        auc=figures["AUROC"],
        sensitivity=figures["sensitivity"],
        specificity=figures["specificity"],
        pointing_game=report.pointing
        or records.Estimate(value=math.nan, low=math.nan, high=math.nan, method="no known finding", n=0),
        seconds=watch.seconds,
    )


def _figures(outcome: Outcome) -> dict[str, records.Estimate]:
    return {
        "auc": outcome.auc,
        "sensitivity": outcome.sensitivity,
        "specificity": outcome.specificity,
        "pointing_game": outcome.pointing_game,
    }


def as_plain(outcome: Outcome) -> dict[str, object]:
    """Return the outcome as what `--json` prints."""
    seconds = {name: round(value, 2) for name, value in outcome.seconds.items()}
    return {
        **{name: figure.value for name, figure in _figures(outcome).items()},
        "intervals": {name: [figure.low, figure.high] for name, figure in _figures(outcome).items()},
        "cases": outcome.auc.n,
        "seconds": seconds,
        "seconds_in_all": round(sum(outcome.seconds.values()), 2),
        "run_id": outcome.run.run_id,
        "device": outcome.run.device,
    }


def print_outcome(outcome: Outcome) -> None:
    """Print the table of figures and the table of times."""
    names = {
        "auc": "AUROC",
        "sensitivity": "sensitivity",
        "specificity": "specificity",
        "pointing_game": "heatmap's peak on the finding",
    }
    rows = [
        (names[name], figure.value, f"{report.figure(figure.low)} – {report.figure(figure.high)}", figure.n)
        for name, figure in _figures(outcome).items()
    ]
    show_table(
        ("", "value", "95% interval", "cases"),
        rows,
        title="Test films (synthetic: these results say nothing about patients)",
    )
    passport = runs.load_passport(outcome.run.folder)
    if passport is not None:
        answers().print(f"Heatmaps: {report.passport_line(passport)}", markup=False)
    in_all = sum(outcome.seconds.values())
    steps = ", ".join(f"{name} {seconds:.1f}" for name, seconds in outcome.seconds.items())
    answers().print(f"{report.duration(in_all)} on {outcome.run.device}: {steps}", markup=False)
