"""`overread`: every command in words, with its help; what each does is in `gui.*_commands`.

Nothing heavy is imported here, so that `overread --help` answers at once. What goes wrong is said in one
place, `main`: 0 is good, 1 is an `EngineError` (its two sentences on stderr), 2 is a wrong command line, 130
is Ctrl-C.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from io import TextIOWrapper
from pathlib import Path
from typing import Annotated

import typer

from engine.errors import EngineError

app = typer.Typer(
    name="overread",
    help="Train an image classifier, over-read every prediction beside its saliency map, "
    "leave with a report in the form that journals ask for. Nothing leaves this machine unless you share it.\n\n"
    "Start with: [bold]overread demo[/bold]. With your own films: "
    "[bold]overread train FOLDER[/bold], then [bold]overread gui[/bold].",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)

START, LINE, TRAINING, LOOK = "Start here", "The line, step by step", "Training runs", "Look around"

WorkspaceOption = Annotated[
    Path | None,
    typer.Option(
        "--workspace",
        "-w",
        metavar="DIR",
        help="Where runs and reviews are kept. Default: $OVERREAD_WORKSPACE, or your user data folder.",
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]
RunArgument = Annotated[
    str, typer.Argument(metavar="RUN", help="A run's id, the start of one, or “latest”.", show_default=False)
]
PortOption = Annotated[
    int | None, typer.Option(metavar="N", help="Port of the local page; default: a free one.")
]
BrowserOption = Annotated[bool, typer.Option("--no-browser", help="Print the address and open no browser.")]
RatiosOption = Annotated[
    str | None, typer.Option(metavar="A/B/C", help="Shares for training, validation, test; default 60/20/20.")
]
SplitSeedOption = Annotated[
    int | None, typer.Option("--seed", metavar="N", help="Decides which patient goes where; default 0.")
]
GivenOption = Annotated[
    bool | None,
    typer.Option(
        "--use-given/--by-patient",
        "--given-split/--by-patient",
        help="Use the parts that came with the data, or divide anew by patient. Default: the parts, if any.",
        show_default=False,
    ),
]


# ----------------------------------------------------------------------------------------------- start here


@app.command(rich_help_panel=START)
def demo(
    workspace: WorkspaceOption = None,
    port: PortOption = None,
    no_browser: BrowserOption = False,
    no_gui: Annotated[bool, typer.Option("--no-gui", help="Stop after the table.")] = False,
    json: JsonOption = False,
    seed: Annotated[int, typer.Option(metavar="N", help="For everything random.")] = 0,
) -> None:
    """Walk the whole line on generated films, then open the review page. About a minute.

    Example: [bold]overread demo[/bold]
    """
    from gui.cli.demo import run_demo

    run_demo(workspace, port=port, open_browser=not no_browser, gui=not no_gui, as_json=json, seed=seed)


@app.command(rich_help_panel=START)
def gui(
    workspace: WorkspaceOption = None,
    port: PortOption = None,
    no_browser: BrowserOption = False,
    share: Annotated[
        bool, typer.Option("--share", help="Also make a public link to a read-only copy without names.")
    ] = False,
    minutes: Annotated[int, typer.Option(metavar="N", help="How long the link lives.")] = 60,
    ssh: Annotated[
        bool, typer.Option("--ssh", help="Share through an ssh server of your own: no outsider in between.")
    ] = False,
    share_server: Annotated[
        str | None, typer.Option(metavar="HOST:PORT", help="A share server of your own.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before sharing.")] = False,
) -> None:
    """Open the pages: Data, Train, Review, Report, Share. They are served to this machine alone.

    Example: [bold]overread gui --workspace ~/study[/bold]
    """
    from gui.cli import window as window_command

    window_command.gui(
        workspace,
        port=port,
        open_browser=not no_browser,
        share_minutes=minutes if share or ssh else None,
        through_ssh=ssh,
        share_server=share_server,
        sure=yes,
    )


# ------------------------------------------------------------------------------------------------- the line


@app.command(rich_help_panel=LINE)
def index(
    path: Annotated[
        Path, typer.Argument(metavar="PATH", help="A folder, a table (CSV, TSV, Parquet) or an archive.")
    ],
    column: Annotated[
        list[str] | None,
        typer.Option(
            "--column",
            metavar="FIELD=NAME",
            help="Which column of a table is path, label, patient_id, split or mask; may be repeated.",
        ),
    ] = None,
    workspace: WorkspaceOption = None,
    json: JsonOption = False,
) -> None:
    """Read images and say what is there and what the checks found: unreadable files, duplicates.

    Example: [bold]overread index films.csv --column patient_id=subject[/bold]
    """
    from gui.cli import data as data_commands

    data_commands.index(path, columns=column or [], workspace_root=workspace, as_json=json)


@app.command(rich_help_panel=LINE)
def split(
    dataset: Annotated[
        str, typer.Argument(metavar="DATASET", help="A data set's id, or a path to read first.")
    ],
    ratios: RatiosOption = None,
    seed: SplitSeedOption = None,
    use_given: GivenOption = None,
    positive: Annotated[
        str | None, typer.Option(metavar="CLASS", help="The class that is the finding.")
    ] = None,
    workspace: WorkspaceOption = None,
    json: JsonOption = False,
) -> None:
    """Divide by patient into training, validation and test, and keep that choice for training.

    Example: [bold]overread split 3f2a90c1d4e5 --ratios 70/15/15 --seed 7[/bold]
    """
    from gui.cli import data as data_commands

    data_commands.split(
        dataset,
        ratios=ratios,
        seed=seed,
        use_given=use_given,
        positive=positive,
        workspace_root=workspace,
        as_json=json,
    )


@app.command(rich_help_panel=LINE)
def train(
    dataset: Annotated[
        str, typer.Argument(metavar="DATASET", help="A data set's id, or a path to read first.")
    ],
    recipe: Annotated[str, typer.Option(metavar="NAME|FILE", help="See: overread recipes.")] = "default",
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="FIELD=VALUE", help="Change the recipe: --set balance.method=focal"),
    ] = None,
    epochs: Annotated[
        str | None, typer.Option(metavar="N[,N…]", help="Epochs of each phase, or of all phases.")
    ] = None,
    ratios: RatiosOption = None,
    seed: SplitSeedOption = None,
    use_given: GivenOption = None,
    positive: Annotated[
        str | None, typer.Option(metavar="CLASS", help="The class that is the finding.")
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
    allow_downloads: Annotated[
        bool, typer.Option("--allow-downloads", help="Fetch pretrained weights that are not on this machine.")
    ] = False,
    background: Annotated[bool, typer.Option("--background", help="Start it and return at once.")] = False,
    workspace: WorkspaceOption = None,
    json: JsonOption = False,
) -> None:
    """Train, then predict the validation and test films. Ctrl-C asks before it stops the training.

    Example: [bold]overread train ~/films --recipe default --epochs 20,2[/bold]
    """
    from gui.cli import train as run_commands

    run_commands.train(
        dataset,
        recipe=recipe,
        changes=set_ or [],
        epochs=epochs,
        ratios=ratios,
        seed=seed,
        use_given=use_given,
        positive=positive,
        device=device,
        allow_downloads=allow_downloads,
        background=background,
        workspace_root=workspace,
        as_json=json,
    )


@app.command(rich_help_panel=LINE)
def predict(
    run: RunArgument,
    path: Annotated[
        Path, typer.Argument(metavar="PATH", help="An image, or a folder, table or archive of images.")
    ],
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="The CSV to add to; default: the run's predictions.csv."),
    ] = None,
    review: Annotated[
        bool, typer.Option("--review", help="Put the images into the run's review queue.")
    ] = False,
    workspace: WorkspaceOption = None,
    json: JsonOption = False,
) -> None:
    """Predict images that the run has not seen, and add them to its predictions.csv.

    Example: [bold]overread predict latest ~/new-films[/bold]
    """
    from gui.cli import results as reading_commands

    reading_commands.predict(run, path, out=out, review=review, workspace_root=workspace, as_json=json)


@app.command(rich_help_panel=LINE)
def explain(
    run: RunArgument,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where the pictures go.")],
    images: Annotated[
        list[Path] | None,
        typer.Argument(metavar="IMAGES", help="Images or folders; default: the run's test films."),
    ] = None,
    workspace: WorkspaceOption = None,
    json: JsonOption = False,
) -> None:
    """Write films with their heatmaps laid over them, one PNG a case.

    Example: [bold]overread explain latest film1.png film2.dcm --out why[/bold]
    """
    from gui.cli import results as reading_commands

    reading_commands.explain(run, images or [], out=out, workspace_root=workspace, as_json=json)


@app.command(rich_help_panel=LINE)
def report(
    run: RunArgument,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where report.html, the CSV and the JSON go.")],
    part: Annotated[str, typer.Option(help="train, val, test or all.")] = "test",
    workspace: WorkspaceOption = None,
    json: JsonOption = False,
) -> None:
    """Write the report against the labels in the data and the reviewed labels: one HTML file, CSV and JSON.

    Example: [bold]overread report latest --out report[/bold]
    """
    from gui.cli import results as reading_commands

    reading_commands.report(run, out=out, part=part, workspace_root=workspace, as_json=json)


@app.command(rich_help_panel=LINE)
def compare(
    dataset: Annotated[
        str, typer.Argument(metavar="DATASET", help="A data set's id, or a path to read first.")
    ],
    recipe: Annotated[
        list[str], typer.Argument(metavar="RECIPE…", help="The first is what the others are held against.")
    ],
    vary: Annotated[
        str | None,
        typer.Option(metavar="FIELD=A,B,…", help="Train one recipe with each of these values of one field."),
    ] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="FIELD=VALUE", help="Change every recipe: --set batch_size=64"),
    ] = None,
    epochs: Annotated[
        str | None, typer.Option(metavar="N[,N…]", help="Epochs of each phase, or of all phases.")
    ] = None,
    seeds: Annotated[int, typer.Option(metavar="K", help="Train each with K seeds.")] = 1,
    ratios: RatiosOption = None,
    seed: SplitSeedOption = None,
    use_given: GivenOption = None,
    positive: Annotated[
        str | None, typer.Option(metavar="CLASS", help="The class that is the finding.")
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
    allow_downloads: Annotated[
        bool, typer.Option("--allow-downloads", help="Fetch pretrained weights that are not on this machine.")
    ] = False,
    reuse: Annotated[
        bool,
        typer.Option("--reuse", help="Take finished runs of the same recipe, data and split as they are."),
    ] = False,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Where the page goes; default: in the workspace.")
    ] = None,
    workspace: WorkspaceOption = None,
    json: JsonOption = False,
) -> None:
    """Train several recipes, or one with a field varied, on one split; write a table with curves and tests.

    Example: [bold]overread compare ~/films head-only default --out compared[/bold]
    """
    from gui.cli import compare as compare_commands

    compare_commands.compare(
        dataset,
        recipe,
        vary=vary,
        changes=set_ or [],
        epochs=epochs,
        seeds=seeds,
        ratios=ratios,
        seed=seed,
        use_given=use_given,
        positive=positive,
        device=device,
        allow_downloads=allow_downloads,
        reuse=reuse,
        out=out,
        workspace_root=workspace,
        as_json=json,
    )


# -------------------------------------------------------------------------------------------- training runs


@app.command(rich_help_panel=TRAINING)
def runs(workspace: WorkspaceOption = None, json: JsonOption = False) -> None:
    """List the runs of the workspace and how far each is.

    Example: [bold]overread runs[/bold]
    """
    from gui.cli import train as run_commands

    run_commands.runs(workspace, as_json=json)


@app.command(rich_help_panel=TRAINING)
def watch(run: RunArgument, workspace: WorkspaceOption = None, json: JsonOption = False) -> None:
    """Follow a training that is running, whoever started it.

    Example: [bold]overread watch latest[/bold]
    """
    from gui.cli import train as run_commands

    run_commands.watch(run, workspace_root=workspace, as_json=json)


@app.command(rich_help_panel=TRAINING)
def stop(run: RunArgument, workspace: WorkspaceOption = None) -> None:
    """Stop a training within a batch; it can be resumed from its last checkpoint.

    Example: [bold]overread stop latest[/bold]
    """
    from gui.cli import train as run_commands

    run_commands.stop(run, workspace_root=workspace)


@app.command(rich_help_panel=TRAINING)
def resume(run: RunArgument, workspace: WorkspaceOption = None, json: JsonOption = False) -> None:
    """Go on with a training that was stopped, failed or lost, from its last checkpoint.

    Example: [bold]overread resume latest[/bold]
    """
    from gui.cli import train as run_commands

    run_commands.resume(run, workspace_root=workspace, as_json=json)


# ---------------------------------------------------------------------------------------------- look around


@app.command(rich_help_panel=LOOK)
def recipes(
    export: Annotated[
        str | None, typer.Option(metavar="NAME", help="Print one recipe as JSON, to be changed and trained.")
    ] = None,
    classes: Annotated[int, typer.Option(metavar="N", help="Count parameters for so many classes.")] = 2,
    json: JsonOption = False,
) -> None:
    """List the built-in recipes: net, parameters, where they come from, what was published.

    Example: [bold]overread recipes --export default > mine.json[/bold]
    """
    from gui.cli import inspect as look_commands

    look_commands.recipes(export=export, classes=classes, as_json=json)


@app.command(rich_help_panel=LOOK)
def doctor(workspace: WorkspaceOption = None, json: JsonOption = False) -> None:
    """Say what Overread found on this machine and what is missing, without touching the network.

    Example: [bold]overread doctor[/bold]
    """
    from gui.cli import inspect as look_commands

    look_commands.doctor(workspace, as_json=json)


@app.command(rich_help_panel=LOOK)
def version() -> None:
    """Print the version.

    Example: [bold]overread version[/bold]
    """
    from importlib.metadata import PackageNotFoundError, version as installed

    try:
        print(installed("overread"))
    except PackageNotFoundError:
        print("not installed as a package")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command line and return its exit code; every error passes here.

    Args:
        arguments: Without the program's name; None means those of this process.
    """
    for stream in (sys.stdout, sys.stderr):  # a name that the terminal cannot show must not end the work
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        app(args=None if arguments is None else list(arguments), prog_name="overread")
    except EngineError as error:
        print(f"{error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    return 0
