"""How the commands of studies are asked: the options of `overread study` that take more than a line."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gui.cli.options import place, quantity

ReadersOption = Annotated[
    list[str] | None, typer.Option("--reader", metavar="NAME", help="Who reads; may be repeated.")
]
IdsOption = Annotated[
    Path | None,
    typer.Option(
        "--ids",
        parser=place,
        metavar="FILE",
        help="Only the images of this list: one id (SHA-256) on a line.",
    ),
]
ReasonOption = Annotated[str, typer.Option(help="Why; needed once the protocol is fixed, and printed.")]
DataOption = Annotated[
    str | None,
    typer.Option("--data", metavar="DATASET", help="Read the images of this data set, without a run."),
]
DesignOption = Annotated[
    str,
    typer.Option(
        help="blind, blind then assisted, wash-out, assisted, concurrent against second reader, or annotation."
    ),
]
CasesOption = Annotated[
    str,
    typer.Option(
        help="all, filter (those that fit --part, --label, --predicted and --ids), random stratified, or enriched."
    ),
]
ChoiceOption = Annotated[
    list[str] | None,
    typer.Option(
        "--choice", metavar="CLASS", help="What a case can be, where no run says it; may be repeated."
    ),
]
CertaintyOption = Annotated[str | None, typer.Option(help="Ask how sure the reader is: 1-5 or 0-100.")]
IndeterminateOption = Annotated[
    str, typer.Option(help="What unsure and not diagnostic count as: excluded, positive or negative.")
]
WashOutOption = Annotated[
    float,
    typer.Option(
        "--wash-out",
        parser=quantity(0),
        metavar="DAYS",
        help="How long after the blind cases the assisted open.",
    ),
]
WrongAdviceOption = Annotated[
    float,
    typer.Option(
        parser=quantity(0, 1, percent=0.01),
        metavar="SHARE",
        help="Show the other class on this share of cases, to measure automation bias.",
    ),
]

PrimaryOption = Annotated[
    str, typer.Option(metavar="FIGURE", help="The primary endpoint: AUC, sensitivity or specificity.")
]
ComparesOption = Annotated[
    str,
    typer.Option(help="What the endpoint is of, such as “assisted minus blind”. Default: the design's own."),
]
AimOption = Annotated[str, typer.Option(help="superior, not inferior (by --margin) or estimate.")]
