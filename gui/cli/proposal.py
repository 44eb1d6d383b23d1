"""`overread propose`: how a folder or table would be read, before any image is; and the options that change it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from engine import data
from engine.language import count_of
from engine.records import PARTS, Answers, DataIssue, DataIssueKind, Part, Proposal
from engine.workspace import Workspace, open_workspace
from gui.cli.archives.sources import source_of
from gui.cli.options import LINE, JsonOption, WorkspaceOption, named, place
from gui.cli.terminal import remarks, say, show_json, show_table

app = typer.Typer()

OF_TRAINING = frozenset(
    {
        DataIssueKind.NEAR_DUPLICATE,
        DataIssueKind.PART_UNCLEAR,
        DataIssueKind.PATIENT_OVERLAP,
        DataIssueKind.SMALL_CLASS,
        DataIssueKind.UNLABELLED,
    }
)
"""What the checks find that concerns a training and its split alone."""

SourceArgument = Annotated[
    str,
    typer.Argument(
        parser=named,
        metavar="PATH",
        help="A folder, a table (CSV, Excel, Parquet) or an archive; or a DICOMweb server and what is asked of it: "
        "dicomweb://host:port/path?modality=DX&date=20240101-20241231; or a folder of a store: s3://bucket/folder, "
        "gcs://bucket/folder, sftp://user@host/folder.",
    ),
]
LevelsOption = Annotated[
    str | None,
    typer.Option(
        metavar="ROLE/ROLE/…",
        help="What the levels of folders are, the outermost first: part, class, patient or ignored.",
    ),
]
LevelOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar="N=ROLE",
        help="What one level of folders is: --level 2=patient, or the names of the files: --level names=patient; may "
        "be repeated.",
    ),
]
PartNamesOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar="PART=NAME,…",
        help="Names of folders or cells that mean a part: --part-names test=fold5; none for no part.",
    ),
]
SameOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME=CLASS",
        help="Take a class as another one: --same Normal=normal, or as no label: --same unknown=; may be repeated.",
    ),
]
ColumnOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar="FIELD=NAME",
        help="Which column of a table is path, label, patient_id, split or mask; may be repeated.",
    ),
]
TableOption = Annotated[
    str | None,
    typer.Option(metavar="FILE", help="The table in a folder or archive to read; “none” for its folders."),
]
RootOption = Annotated[
    Path | None,
    typer.Option(
        "--root",
        parser=place,
        metavar="DIR",
        help="The folder of a table's images, at any depth; default: its own.",
    ),
]
FindingOption = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="Of a table with several findings in a row, the one to be told from its absence; “none” for the rows with "
        "one alone.",
    ),
]
ForgetOption = Annotated[
    bool, typer.Option("--forget", help="Forget the answers given when this was read before.")
]


@app.command(rich_help_panel=LINE)
def propose(
    path: SourceArgument,
    levels: LevelsOption = None,
    level: LevelOption = None,
    part_names: PartNamesOption = None,
    same: SameOption = None,
    column: ColumnOption = None,
    table: TableOption = None,
    images_root: RootOption = None,
    finding: FindingOption = None,
    forget: ForgetOption = False,
    root: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say how a folder or table would be read, from names alone, and what is unsure. Takes seconds.

    Example: [bold]overread propose ~/images --levels part/class/patient[/bold]
    """
    workspace = open_workspace(root)
    source, table, left_out = source_of(workspace, path, table)
    said = data.answers_from_options(
        levels=levels,
        level=level or (),
        part_names=part_names or (),
        same=same or (),
        columns=column or (),
        table=table,
        root=images_root,
        finding=finding,
    )
    answers = answers_for(workspace, source, said, forget=forget)
    proposal = data.propose(source, answers=answers, unpack_into=workspace.unpacked)
    proposal = replace(proposal, left_out=(*proposal.left_out, *left_out))
    if as_json:
        show_json(data.proposal_to_json(proposal))
        return
    show_proposal(proposal)
    say("Nothing has been read yet. To read it like this: overread index PATH with the same options.")


def answers_for(workspace: Workspace, path: Path, said: Answers, *, forget: bool = False) -> Answers:
    """Return what was said of a path now, and what was said when it was read before, unless that is forgotten."""
    return said if forget else data.with_answers(data.load_answers(workspace, path), said)


def show_proposal(proposal: Proposal) -> None:
    """Print how a folder or table is read."""
    if proposal.table is not None:
        rows = [(field, column) for field, column in proposal.columns.items()]
        show_table(("what", "column"), rows, title=f"{proposal.path.name}: {proposal.table.name} is read")
    else:
        show_table(
            ("level", "is", "names", "why"),
            [
                (
                    level.number or "names",
                    level.role,
                    ", ".join(f"{each.name} ({each.part or each.images})" for each in level.names[:6])
                    + (f", … {level.distinct:,} in all" if level.distinct > 6 else ""),
                    level.why,
                )
                for level in proposal.levels
            ],
            title=f"{proposal.path.name}: {count_of(proposal.images, 'image')} by their folders",
        )
    counts = [(each.name, each.images) for each in proposal.classes]
    show_table(
        ("class", "images"),
        [*counts, *([("(no label)", proposal.unlabelled)] if proposal.unlabelled else [])],
    )
    if proposal.parts:
        say_parts(proposal.parts, proposal.no_part)
    for question in proposal.questions:
        print_issue(question.issue)
    for issue in proposal.left_out:
        print_issue(issue)


def say_parts(parts: Mapping[Part, int], no_part: int) -> None:
    """Say how many images came with each part."""
    counts = [f"{parts[part]:,} {part}" for part in PARTS if parts.get(part)]
    say(f"Parts that came with the data: {', '.join(counts)}; {count_of(no_part, 'image')} in none")


def print_issue(issue: DataIssue) -> None:
    """Say on stderr what a check found, and what to type about it."""
    console = remarks()
    console.print(f"[{'bold red' if issue.serious else 'yellow'}]{issue.kind.value}[/]: ", end="")
    console.print(issue.message, markup=False)
    if issue.options:
        console.print(f"    say {'   or   '.join(issue.options[:4])}", markup=False)
