"""`overread learning-curve`: models on growing shares of the training part; what would twice as many images bring?"""

from __future__ import annotations

import math
from typing import Annotated

import typer

from engine import experiments, labels as label_versions, report
from engine.errors import RecipeError
from engine.language import typed_number
from engine.workspace import open_workspace
from gui.cli.compare import gather
from gui.cli.data import choices_of, dataset_of, on_labels
from gui.cli.options import (
    LINE,
    ChangesOption,
    DatasetArgument,
    DeviceOption,
    DownloadsOption,
    EpochsOption,
    GivenOption,
    JsonOption,
    OutOption,
    PositiveOption,
    RatiosOption,
    ReuseOption,
    SplitSeedOption,
    TrainingLabelsOption,
    WorkspaceOption,
    whole,
)
from gui.cli.terminal import say, show_json, show_table, watch_job
from gui.cli.train import recipes_asked

app = typer.Typer()


@app.command("learning-curve", rich_help_panel=LINE)
def learning_curve(
    dataset: DatasetArgument,
    recipe: Annotated[str, typer.Option(metavar="NAME|FILE", help="See: overread recipes.")] = "default",
    shares: Annotated[
        str, typer.Option(metavar="A,B,…", help="Shares of the training part in percent, four or more.")
    ] = "10,18,32,56,100",  # each about 1.8 times the one before, as a power law is even in factors
    seeds: Annotated[int, typer.Option(parser=whole(1), metavar="K", help="Trainings of each share.")] = 1,
    changes: ChangesOption = None,
    epochs: EpochsOption = None,
    ratios: RatiosOption = None,
    seed: SplitSeedOption = None,
    use_given: GivenOption = None,
    positive: PositiveOption = None,
    labels: TrainingLabelsOption = None,
    device: DeviceOption = "auto",
    allow_downloads: DownloadsOption = False,
    reuse: ReuseOption = False,
    out: OutOption = None,
    root: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Train on growing shares of the training images and say what twice as many would bring; write a page.

    Example: [bold]overread learning-curve ~/images --recipe head-only --seeds 3[/bold]
    """
    workspace = open_workspace(root)
    (chosen,) = recipes_asked(workspace, [recipe], epochs, changes)
    found = dataset_of(workspace, dataset)
    own_split = bool(ratios or seed is not None or use_given is not None)
    found, used = on_labels(workspace, found, labels, own_split=own_split)
    choices = choices_of(workspace, found, ratios=ratios, seed=seed, use_given=use_given, positive=positive)
    (split,) = label_versions.splits_on(workspace, found, choices, used)
    entries = experiments.sizes_of_curve(chosen, split, shares_of(shares), seeds)
    if len(asked := set(shares_of(shares))) < experiments.FEWEST_SIZES:
        say(
            "What more images would bring will not be said: that takes models of "
            f"{experiments.FEWEST_SIZES} sizes, and --shares names {len(asked)}"
        )
    attempts = experiments.train_entries(
        workspace,
        entries,
        found,
        choices,
        labels=used,
        device=device,
        allow_downloads=allow_downloads,
        reuse=reuse,
        begin=lambda entry: say(f"{entries.index(entry) + 1} of {len(entries)}: {entry.label}"),
        follow=watch_job,
    )
    done, failed, stopped = gather(attempts)
    if stopped:
        say(
            f"Done and kept: {len(done)} of {len(entries)}; the same command with --reuse continues from there"
        )
        raise KeyboardInterrupt
    curve = experiments.fit_learning_curve(experiments.trained_on_sizes(workspace, entries, done))
    folder = out or workspace.root / "learning-curves" / curve.points[0].run_id
    written = experiments.write_learning_curve(curve, folder)
    if as_json:
        show_json({**experiments.curve_document(curve), "failed": failed, **written.files})
        return
    rows = [
        (
            one.images,
            one.patients.count,
            one.seed,
            f"{report.figure(one.auroc.value)} ({report.interval(one.auroc)})",
        )
        for one in curve.points
    ]
    title = f"{curve.dataset_name}, {curve.test_images:,} test images"
    show_table(("training images", "patients", "seed", "AUROC"), rows, title=title)
    print(curve.sentence)
    if curve.reference:
        print(curve.reference)
    print(written.html)


def shares_of(text: str) -> list[float]:
    """Return percentages as shares of 1.

    Raises:
        RecipeError: They are no numbers.
    """
    shares = [typed_number(share, percent=1) / 100 for share in text.split(",")]
    if any(map(math.isnan, shares)):
        raise RecipeError(f"“{text}” are no shares", "Write for instance --shares 10,18,32,56,100")
    return shares
