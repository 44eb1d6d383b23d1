"""What several commands ask for in the same words, and the panels that `overread --help` shows them in."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperOption

from engine.language import typed_number

START, LINE, TRAINING, LOOK = "Start here", "The line, step by step", "Training runs", "Look around"


def place(typed: str) -> Path:
    """Read a path; an empty one, which a script makes of a variable that is not set, is not the current folder.

    Nor is an address one: a path's rules would make a folder “s3:” of it, here.
    """
    if not str(typed).strip():
        raise typer.BadParameter("it is empty. Name a file or folder, or leave it out")
    if "://" in str(typed):
        raise typer.BadParameter(
            f"{typed} is an address. Name a file or folder of this computer; images at an address are read by "
            "`overread index` first"
        )
    return Path(typed)


def named(typed: str) -> str:
    """Read the name of what a command works on; an empty one is the beginning of every name, and means none."""
    if not str(typed).strip():
        raise typer.BadParameter("it is empty. Say which one")
    return typed


def device(typed: str) -> str:
    """Refuse a device that this computer has not, before anything is made for it."""
    if typed not in ("auto", "cpu"):  # which there always are: torch need not be loaded
        from engine.models import pick_device

        return pick_device(typed)
    return typed


def quantity(least: float, most: float = math.inf, *, percent: float = math.nan) -> Callable[[str], float]:
    """Return what reads a number within bounds, as people type it: 0.1, 0,1, \u06f0\u066b\u06f1, and 10% of a share.

    Args:
        least: What it must be at least.
        most: What it may be at most.
        percent: What one percent is, where it may be said in percent.
    """
    return lambda typed: _number(typed, least, most, percent=percent)


def whole(least: int, most: int | None = None) -> Callable[[str], int]:
    """Return what reads a whole number within bounds, as people type it."""
    return lambda typed: int(_number(typed, least, math.inf if most is None else most, whole=True))


def _number(
    typed: str, least: float, most: float, *, whole: bool = False, percent: float = math.nan
) -> float:
    value = typed_number(str(typed), whole=whole, percent=percent)
    if least <= value <= most:
        return value
    kind = "whole number" if whole else "number"
    bounds = f"from {least:,.10g} on" if most == math.inf else f"from {least:,.10g} to {most:,.10g}"
    alike = "in digits alone" if whole else "like 0.5" if math.isnan(percent) else "like 0.1 or 10%"
    raise typer.BadParameter(f"“{typed}” is not a {kind} {bounds}. Write it {alike}")


WorkspaceOption = Annotated[
    Path | None,
    typer.Option(
        "--workspace",
        "-w",
        parser=place,
        metavar="DIR",
        help="Where runs and reviews are kept. Default: $OVERREAD_WORKSPACE, or your user data folder.",
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]
RunArgument = Annotated[
    str,
    typer.Argument(
        parser=named, metavar="RUN", help="A run's id, the start of one, or “latest”.", show_default=False
    ),
]
DatasetArgument = Annotated[
    str, typer.Argument(parser=named, metavar="DATASET", help="A data set's id, or a path to read first.")
]
ImagesArgument = Annotated[
    Path,
    typer.Argument(parser=place, metavar="PATH", help="An image, or a folder, table or archive of images."),
]
PredictionsOption = Annotated[
    Path | None,
    typer.Option(parser=place, metavar="FILE", help="The CSV to add to; default: the run's predictions.csv."),
]
PortOption = Annotated[
    int | None,
    typer.Option(parser=whole(0, 65535), metavar="N", help="Port of the local page; default: a free one."),
]
BrowserOption = Annotated[bool, typer.Option("--no-browser", help="Print the address and open no browser.")]
RatiosOption = Annotated[
    str | None, typer.Option(metavar="A/B/C", help="Shares for training, validation, test; default 60/20/20.")
]
SplitSeedOption = Annotated[
    int | None,
    typer.Option("--seed", parser=whole(0), metavar="N", help="Decides which patient goes where; default 0."),
]
GivenOption = Annotated[
    bool | None,
    typer.Option(
        "--use-given/--by-patient",
        "--given-split/--by-patient",
        help="Use the parts that came with the data, or make a new split, by patient where one is named. "
        "Default: the parts, if any.",
        show_default=False,
    ),
]
PositiveOption = Annotated[str | None, typer.Option(metavar="CLASS", help="The class that is the finding.")]
LabelsOption = Annotated[
    str,
    typer.Option(
        metavar="VERSION", help="Version of the labels: v1 came with the data. See: overread labels list."
    ),
]
EpochsOption = Annotated[
    str | None, typer.Option(metavar="N[,N…]", help="Epochs of each phase, or of all phases.")
]
DeviceOption = Annotated[str, typer.Option(parser=device, metavar="DEVICE", help="auto, cpu, cuda or mps.")]
OnOption = Annotated[
    str | None,
    typer.Option(
        "--on",
        metavar="CLUSTER",
        help="Share the work among processes (extra ray): “ray” for this computer's cores, or “ray://HOST:10001”. "
        "Default: here, in one process.",
        show_default=False,
    ),
]
WorkersOption = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        parser=whole(1),
        help="Of --on: how many processes. Default: one a GPU, else one a core.",
        show_default=False,
    ),
]
ChangesOption = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="FIELD=VALUE", help="Change the recipe: --set balance.method=focal"),
]
TrainingLabelsOption = Annotated[
    str | None,
    typer.Option(
        "--labels",
        metavar="VERSION",
        help="Version of the labels: v1 came with the data, “latest” is the newest. Default: the one in use "
        "(overread labels use), which is v1 until another is chosen.",
        show_default=False,
    ),
]
ReuseOption = Annotated[
    bool,
    typer.Option(
        "--reuse", help="Take finished runs of the same recipe, data, split and labels as they are."
    ),
]
OutOption = Annotated[
    Path | None,
    typer.Option(parser=place, metavar="DIR", help="Where the page goes; default: in the workspace."),
]
ComparedFormatOption = Annotated[
    list[str] | None,
    typer.Option(
        "--format",
        metavar="NAME",
        help="page (HTML, PDF, Word, CSV and JSON), or bundle: a zip without names, from which “overread verify” "
        "computes every figure again; may be repeated. Default: page.",
    ),
]
DownloadsOption = Annotated[
    bool, typer.Option("--allow-downloads", help="Download pretrained weights that are not on this computer.")
]


def saliency_method(name: str) -> str:
    """Refuse a saliency method that is not there."""
    from engine.saliency import SALIENCIES

    if name not in SALIENCIES:
        raise typer.BadParameter(f"there is no “{name}”; choose one of: {', '.join(SALIENCIES)}")
    return name


class ListsMethods(TyperCommand):
    """A command whose help lists the saliency methods there are; they are read when that help is asked for."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the help with the methods as they are now."""
        from engine.saliency import SALIENCIES

        for parameter in self.params:
            if parameter.name == "method" and isinstance(parameter, TyperOption):
                names = ", ".join(SALIENCIES)
                parameter.help = (
                    f"How the heatmap is made: {names}; default: as the run has it, else the first."
                )
        super().format_help(ctx, formatter)


MethodOption = Annotated[
    str | None,
    typer.Option("--method", metavar="NAME", parser=saliency_method, help="How the heatmap is made."),
]
ClassOption = Annotated[
    str | None,
    typer.Option(
        "--class",
        metavar="CLASS",
        help="The class whose evidence the heatmap shows; default: the finding, or the predicted one of several.",
        show_default=False,
    ),
]
TopOption = Annotated[
    int | None,
    typer.Option(
        parser=whole(1),
        metavar="K",
        help="Show each image's K most probable classes; default: all of up to five classes, of more the first three.",
    ),
]
MinutesOption = Annotated[int, typer.Option(parser=whole(1), metavar="N", help="How long the link lives.")]
ServerOption = Annotated[
    str | None,
    typer.Option(metavar="SERVER", help="A server of your own: you@server for ssh, host:port for gradio."),
]
AddressOption = Annotated[
    str | None, typer.Option(metavar="URL", help="What guests open, where your server passes it on.")
]
YesOption = Annotated[bool, typer.Option("--yes", help="Do not ask before sharing.")]
