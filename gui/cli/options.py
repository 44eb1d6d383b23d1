"""What several commands ask for in the same words, and the panels that `overread --help` shows them in."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperOption

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
DatasetArgument = Annotated[
    str, typer.Argument(metavar="DATASET", help="A data set's id, or a path to read first.")
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
DeviceOption = Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")]
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
        min=1,
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
    Path | None, typer.Option(metavar="DIR", help="Where the page goes; default: in the workspace.")
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
MinutesOption = Annotated[int, typer.Option(metavar="N", help="How long the link lives.")]
ServerOption = Annotated[
    str | None,
    typer.Option(metavar="SERVER", help="A server of your own: you@server for ssh, host:port for gradio."),
]
AddressOption = Annotated[
    str | None, typer.Option(metavar="URL", help="What guests open, where your server passes it on.")
]
YesOption = Annotated[bool, typer.Option("--yes", help="Do not ask before sharing.")]
