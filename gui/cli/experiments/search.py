"""`overread search`: better settings for a recipe, found on validation data alone, as a recipe that `train` takes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import partial
from typing import Annotated, Any

import typer

from engine import experiments, labels as label_versions, report
from engine.language import count_of, in_print
from engine.workspace import Workspace, open_workspace
from gui.cli.data import choices_of, dataset_of, on_labels, say_lost
from gui.cli.options import (
    LINE,
    ChangesOption,
    DatasetArgument,
    DeviceOption,
    DownloadsOption,
    EpochsOption,
    GivenOption,
    JsonOption,
    OnOption,
    PositiveOption,
    RatiosOption,
    SplitSeedOption,
    TrainingLabelsOption,
    WorkersOption,
    WorkspaceOption,
    whole,
)
from gui.cli.terminal import say, show_json, show_table
from gui.cli.train import recipes_asked

app = typer.Typer()


@app.command(rich_help_panel=LINE)
def search(
    recipe: Annotated[
        str, typer.Argument(metavar="RECIPE", help="A recipe's name or file: overread recipes.")
    ],
    dataset: DatasetArgument,
    vary: Annotated[
        list[str],
        typer.Option(metavar="FIELD=A..B[:log]|A,B,…", help="A field, and where to look; may be repeated."),
    ],
    trials: Annotated[int, typer.Option(parser=whole(1), metavar="N", help="Trainings in all.")] = 20,
    pruner: Annotated[
        str,
        typer.Option(
            metavar="median|asha|none", help="What ends a trial that promises less than others early."
        ),
    ] = "median",
    name: Annotated[str, typer.Option(metavar="NAME", help="Of the recipe that is saved.")] = "",
    changes: ChangesOption = None,
    epochs: EpochsOption = None,
    ratios: RatiosOption = None,
    seed: SplitSeedOption = None,
    use_given: GivenOption = None,
    positive: PositiveOption = None,
    labels: TrainingLabelsOption = None,
    device: DeviceOption = "auto",
    allow_downloads: DownloadsOption = False,
    on: OnOption = None,
    workers: WorkersOption = None,
    root: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Search several settings of a recipe at once, on validation data alone; save the best as a recipe.

    Asked for again, a search that was stopped continues; with a larger --trials it goes further.

    Example: [bold]overread search head-only ~/images --vary learning_rate=1e-4..1e-1:log --vary batch_size=16,64[/bold]
    """
    workspace = open_workspace(root)
    (chosen,) = recipes_asked(workspace, [recipe], epochs, changes)
    varied = experiments.varied_fields(chosen, vary)
    found = dataset_of(workspace, dataset)
    own_split = bool(ratios or seed is not None or use_given is not None)
    found, used = on_labels(workspace, found, labels, own_split=own_split)
    choices = choices_of(workspace, found, ratios=ratios, seed=seed, use_given=use_given, positive=positive)
    say_lost(found.dataset_id, [sample.path for sample in found.samples])
    label_versions.splits_on(workspace, found, choices, used)  # says at once what cannot be split
    wanted = experiments.search_of(workspace, chosen, varied, found, choices, used, pruner)
    if before := len(experiments.trials_of(wanted)):
        say(f"Of this search {count_of(before, 'trial is', 'trials are')} done already")
    run = experiments.run_trials if on is None else partial(experiments.run_trials_on, on, workers)
    try:
        for trial in run(
            workspace,
            wanted,
            trials,
            device=device,
            allow_downloads=allow_downloads,
            begin=lambda number, values: say(f"{number} of {trials}: {_words(values)}"),
        ):
            say(f"  {trial.problem or _result(trial)}")
    except KeyboardInterrupt:
        done = len(experiments.trials_of(wanted))
        say(f"Trials done and kept: {done} of {trials}; the same command continues from there")
        raise
    _conclude(workspace, wanted, name, dataset, as_json=as_json)


def _conclude(
    workspace: Workspace, wanted: experiments.Search, name: str, dataset: str, *, as_json: bool
) -> None:
    """Save the best trial as a recipe and print all of them."""
    told = experiments.trials_of(wanted)
    best = experiments.best_of(told)
    saved = experiments.save_best(workspace, wanted, told, name)
    if as_json:
        show_json(
            {
                "recipe": saved.name,
                "best": report.plain(best),
                "labels": report.plain(wanted.labels),
                "trials": report.plain(told),
                "table": wanted.folder / "trials.csv",
            }
        )
        return
    rows = [
        (
            one.number,
            *(_value(one.values[field.field]) for field in wanted.varied),
            one.state,
            report.figure(one.val_auc),
        )
        for one in sorted(told, key=lambda one: -one.val_auc if math.isfinite(one.val_auc) else 1.0)
    ]
    show_table(("trial", *(one.field for one in wanted.varied), "state", "validation AUROC"), rows)
    print(f"Best: trial {best.number}, {_words(best.values)}; saved as the recipe “{saved.name}”")
    of = (
        f"is the best of {len(told)}"
        if len(told) > 1
        else "is that of the epoch that did best on these images"
    )
    print(
        f"Its validation AUROC of {report.figure(best.val_auc)} {of} and so too optimistic; no test image was looked at"
    )
    labels = f" --labels v{wanted.labels.number}" if wanted.labels else ""
    say(f"Next: overread train {dataset} --recipe {saved.name}{labels}")


def _result(trial: experiments.Trial) -> str:
    ended = "ended early" if trial.state == "pruned" else "validation AUROC"
    return f"{ended} {report.figure(trial.val_auc)} after {count_of(trial.epochs, 'epoch')}"


def _words(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{field} {_value(value)}" for field, value in values.items())


def _value(value: Any) -> str:
    return in_print(value, ".3g") if isinstance(value, float) else str(value)
