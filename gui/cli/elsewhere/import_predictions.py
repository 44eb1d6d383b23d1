"""`overread import-predictions`: another model's predictions as a run, to be read, compared and reported like ours."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from engine import data, reading, supplied
from engine.language import count_of
from engine.workspace import open_workspace
from gui.cli.data import dataset_of, pairs_of
from gui.cli.options import LINE, JsonOption, PositiveOption, WorkspaceOption, place, quantity
from gui.cli.terminal import progress, say, show_json

app = typer.Typer()

MapsOption = Annotated[
    Path | None,
    typer.Option(
        parser=place,
        metavar="DIR",
        help="Heatmaps as pictures, called like their images or by the images' sha256.",
    ),
]
ScoreColumnOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar="CLASS=NAME",
        help="Which column is the score of a class, or (image=NAME) names the images; may be repeated.",
    ),
]
ScoreNameOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME=CLASS",
        help="NAME in the file is that class of the data set; may be repeated: scores add up.",
    ),
]
ScoresOption = Annotated[
    str | None,
    typer.Option(metavar="KIND", help="probability, percent or logit; default: recognised by their values."),
]
IncompleteOption = Annotated[
    bool,
    typer.Option(
        "--incomplete", help="Leave out rows and images that do not fit each other, and count them."
    ),
]


@app.command("import-predictions", rich_help_panel=LINE)
def import_predictions(
    file: Annotated[
        Path,
        typer.Argument(
            parser=place,
            metavar="FILE",
            help="A table (CSV, Excel, Parquet) with an image and its class probabilities in each row.",
        ),
    ],
    dataset: Annotated[
        str,
        typer.Option(
            metavar="DATASET", help="The data set that was predicted: its id, or a path to read first."
        ),
    ],
    name: Annotated[str, typer.Option(metavar="NAME", help="Of the model: “Vendor X”.")],
    version: Annotated[str, typer.Option(metavar="VERSION", help="Of the model.")] = "",
    threshold: Annotated[
        float | None,
        typer.Option(
            parser=quantity(0, 1, percent=0.01),
            metavar="P",
            help="Probability of the finding from which it is predicted; default: .5.",
        ),
    ] = None,
    positive: PositiveOption = None,
    maps: MapsOption = None,
    column: ScoreColumnOption = None,
    same: ScoreNameOption = None,
    scores: ScoresOption = None,
    incomplete: IncompleteOption = False,
    root: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take in the predictions of another model, such as a vendor's, as a run that is read and reported like ours.

    Example: [bold]overread import-predictions scores.csv --dataset ~/images --name "Vendor X" --version 2.1[/bold]
    """
    workspace = open_workspace(root)
    claims = supplied.Claims(
        model=name,
        version=version,
        threshold=threshold,
        positive=positive,
        columns=pairs_of(column or [], "--column"),
        same=data.answers_from_options(same=same or ()).same,
        scores=scores,
        maps=maps,
        incomplete=incomplete,
    )
    found = dataset_of(workspace, dataset, to_train=False)
    with reading.open_store(workspace.database) as store, progress("Reading maps") as bar:
        done = supplied.import_predictions(workspace, store, found, file, claims, progress=bar)
        cases = len(store.predictions(done.run.run_id))
    if as_json:
        show_json(
            {
                "run_id": done.run.run_id,
                "known": done.known,
                "cases": cases,
                "classes": done.run.classes,
                "positive": done.run.positive,
                "threshold": done.run.threshold,
                "said": done.said,
            }
        )
        return
    for sentence in done.said:
        say(f"{sentence}.")
    if done.known:
        say("These predictions were imported before: it is the same run.")
    print(f"Run {done.run.run_id}: {count_of(cases, 'case')} predicted by {done.run.title}")
    say(f"Next: overread gui, or overread report {done.run.run_id} --out report")
