"""`overread weights list`, `add`, `check`: what a training can begin with."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from engine import models
from engine.workspace import open_workspace
from gui.cli.options import LOOK, JsonOption, WorkspaceOption, place
from gui.cli.terminal import say, say_error, show_json, show_table

app = typer.Typer()
commands = typer.Typer(rich_markup_mode="rich", no_args_is_help=True)
app.add_typer(commands, name="weights", rich_help_panel=LOOK)

FileArgument = Annotated[
    Path,
    typer.Argument(
        parser=place, metavar="FILE", help="A file of weights: .safetensors, .pt, .pth, .bin or .ckpt."
    ),
]
BackboneOption = Annotated[
    str, typer.Option(metavar="NAME", help="Try this network alone: any name that a recipe may use.")
]
ValuesOption = Annotated[
    str,
    typer.Option(metavar="X[,Y,Z]", help="What images were normalised by; default: as is usual for them."),
]


@commands.callback()
def weights() -> None:
    """What a training can begin with: list it, add a file, check what a file is. Nothing in a file is executed.

    Example: [bold]overread weights check rad-dino.safetensors[/bold]
    """


@commands.command("list")
def list_weights(root: WorkspaceOption = None, as_json: JsonOption = False) -> None:
    """List the weights that came with the installation and those that were added to the workspace.

    Example: [bold]overread weights list[/bold]
    """
    workspace = open_workspace(root)
    installed = [name for name in models.PACKAGED if models.packaged_file(name) is not None]
    added = models.added_weights(workspace, on_damaged=say_error)
    if as_json:
        show_json({"installed": installed, "added": [_facts(one) for one in added]})
        return
    rows = [("imagenet", name, "with the installation", "", "") for name in installed]
    for one in added:
        fitting = ", ".join(one.backbones)
        rows.append(
            (
                f"file:{one.name}",
                fitting,
                one.source or "not said",
                one.licence or "not said",
                one.sha256[:12],
            )
        )
    show_table(("weights", "fits backbone", "source", "licence", "sha256"), rows)
    say("Train with one: overread train DATASET --set weights=file:NAME --set backbone=BACKBONE")


@commands.command("add")
def add(
    file: FileArgument,
    name: Annotated[
        str, typer.Option(metavar="NAME", help="What recipes call it; default: as the file.")
    ] = "",
    source: Annotated[str, typer.Option(metavar="TEXT", help="Where it is from: an address, a paper.")] = "",
    licence: Annotated[str, typer.Option(metavar="TEXT", help="Under which licence it may be used.")] = "",
    backbone: BackboneOption = "",
    mean: ValuesOption = "",
    std: ValuesOption = "",
    root: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Copy a file of weights into the workspace, with its checksum, source and licence, for recipes to begin with.

    Example: [bold]overread weights add densenet.pt --source torchxrayvision --licence Apache-2.0[/bold]
    """
    added = models.add_weights(
        open_workspace(root),
        file.expanduser(),
        name=name,
        source=source,
        licence=licence,
        backbone=backbone,
        mean=_values(mean, "--mean"),
        std=_values(std, "--std"),
    )
    if as_json:
        show_json(_facts(added))
        return
    print(
        f"Added as file:{added.name}: {models.LAYOUTS[added.layout].title}, fits {', '.join(added.backbones)}"
    )
    for missing in [word for word, given in (("source", source), ("licence", licence)) if not given]:
        say(f"Its {missing} was not said; reports will say so. Add it again with --{missing} to say it.")


@commands.command("check")
def check(file: FileArgument, backbone: BackboneOption = "", as_json: JsonOption = False) -> None:
    """Say which layout a file of weights has, which backbone it fits, and what is missing or left over.

    Example: [bold]overread weights check model.safetensors --backbone resnet50[/bold]
    """
    checked = models.check_weights(file.expanduser(), backbone=backbone)
    if as_json:
        show_json(
            {
                "file": file,
                "layout": checked.layout,
                "kept_in": checked.kept_in or "single precision (float32)",
                "fits": [_fit(fit) for fit in checked.fits],
            }
        )
        return
    print(f"{file.name}: {checked.title}")
    if checked.kept_in:
        print(f"Kept in {checked.kept_in}; used in single precision (float32)")
    for fit in checked.fits:
        if fit.fits:
            print(f"Fits {fit.backbone}: every one of its parameters is in the file")
        else:
            print(f"Does not fit {fit.backbone}: {fit.why_not}")
        if fit.left_over:
            print(f"Not used: {', '.join(fit.left_over[:5])}{' …' if len(fit.left_over) > 5 else ''}")
    if not checked.fits:
        print(
            "Fits none of the networks that Overread tries. Name one with --backbone to see what is missing."
        )


def _fit(fit: models.Fit) -> dict[str, Any]:
    return {
        "backbone": fit.backbone,
        "fits": fit.fits,
        "missing": fit.missing,
        "other_shape": fit.other_shape,
        "too_much": fit.too_much,
        "left_over": fit.left_over,
        "not_finite": fit.not_finite,
        "quantised": fit.quantised,
    }


def _facts(one: models.AddedWeights) -> dict[str, Any]:
    from engine.report import plain  # with it comes numpy

    return {**plain(one), "added": one.added.isoformat()}


def _values(text: str, option: str) -> tuple[float, ...]:
    try:
        values = tuple(float(part) for part in text.split(",") if part.strip())
    except ValueError as error:
        raise typer.BadParameter(
            f"“{text}” is no list of numbers; write {option} 0.5 or {option} 0.5,0.5,0.5"
        ) from error
    if len(values) not in (0, 1, 3):
        raise typer.BadParameter(f"{option} takes one number, or three")
    return values
