"""`overread checklist`: what journals ask of a report, what answers it, and what only a person can write."""

from __future__ import annotations

import getpass
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from engine import reading, report, runs
from engine.errors import ReviewError, RunError
from engine.workspace import open_workspace
from gui.cli.options import LINE, JsonOption, WorkspaceOption, named
from gui.cli.terminal import say, show_json, show_table

if TYPE_CHECKING:
    from engine.reading import Store
    from engine.report import AnsweredChecklist
    from engine.workspace import Workspace

app = typer.Typer()
checklist = typer.Typer(no_args_is_help=True)
app.add_typer(
    checklist,
    name="checklist",
    rich_help_panel=LINE,
    help="Reporting checklists (CLAIM, STARD, TRIPOD) of a run or a study: what is answered, what is open, and what "
    "you write to an item.\n\nExample: [bold]overread checklist list latest --open[/bold]",
)
OfArgument = Annotated[
    str,
    typer.Argument(
        parser=named,
        metavar="RUN|STUDY",
        help="A run's id, the start of one, or “latest”; or the name or id of a study.",
        show_default=False,
    ),
]
ChecklistsOption = Annotated[
    list[str] | None,
    typer.Option(
        "--checklist",
        metavar="NAME",
        help=f"One of {', '.join(report.CHECKLISTS)}; may be repeated. Default: all.",
    ),
]


def chosen(names: Sequence[str] | None) -> Sequence[str]:
    """Return the checklists that are meant, all where none is named.

    Raises:
        ReportError: There is none of such a name.
    """
    for name in names or ():
        report.checklist_of(name)
    return names or report.CHECKLISTS


def folder_of(workspace: Workspace, store: Store, name: str) -> tuple[Path, str]:
    """Return where what is written of a run or a study is kept, and the study's id; empty of a run.

    Raises:
        RunError: There is neither.
    """
    try:
        return runs.find_run(workspace, name).folder, ""
    except RunError as no_run:
        try:
            study = store.studies.get(name)
        except ReviewError:
            raise RunError(f"{no_run.problem}, and no study", no_run.remedy, option=no_run.option) from no_run
        return report.study_folder(workspace, study.study_id), study.study_id


def _answered(name: str, root: Path | None, names: Sequence[str]) -> Sequence[AnsweredChecklist]:
    workspace = open_workspace(root)
    with reading.open_store(workspace.database) as store:
        folder, study_id = folder_of(workspace, store, name)
        if study_id:
            made = report.report_study(workspace, store, study_id)
            return report.with_study_checklists(made, folder, names).checklists
        from engine import pipeline

        built = pipeline.report_run(workspace, store, runs.find_run(workspace, name))
    return report.with_checklists(built, names).checklists


@checklist.command("list")
def list_items(
    name: OfArgument,
    names: ChecklistsOption = None,
    only_open: Annotated[bool, typer.Option("--open", help="Only what is open.")] = False,
    root: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show the items with what the report says to each, what was written, and what is open.

    Example: [bold]overread checklist list latest --checklist claim2024 --open[/bold]
    """
    answered = _answered(name, root, chosen(names))
    if as_json:
        show_json(report.checklists_document(answered))
        return
    for one in answered:
        rows = [
            (
                each.item.number,
                each.item.asks,
                f"open: {each.left}" if each.open else each.last.text if each.last else _said(each.said),
            )
            for each in one.items
            if each.open or not only_open
        ]
        title = f"{one.checklist.title}: {len(one.open)} of {len(one.items)} open"
        show_table(("item", "asks", "answer"), rows, title=title)
    say(report.OFFLINE_ONLY)


def _said(said: Sequence[report.Said]) -> str:
    return " ".join(f"{one.text} ({one.anchor})" if one.anchor else one.text for one in said)


@checklist.command("set")
def set_item(
    name: OfArgument,
    list_name: Annotated[
        str, typer.Argument(metavar="CHECKLIST", help=f"One of {', '.join(report.CHECKLISTS)}.")
    ],
    number: Annotated[str, typer.Argument(metavar="ITEM", help="Its number, such as 10a.")],
    text: Annotated[str, typer.Argument(metavar="TEXT", help="What you write; “” takes the last one back.")],
    by: Annotated[
        str | None, typer.Option(metavar="NAME", help="Who writes; default: your account on this computer.")
    ] = None,
    root: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write to an item what only a person can say. What stood there before is kept.

    Example: [bold]overread checklist set latest claim2024 44 "No funding."[/bold]
    """
    item = report.item_of(list_name, number)
    workspace = open_workspace(root)
    with reading.open_store(workspace.database) as store:
        folder, _ = folder_of(workspace, store, name)
    kept = report.keep_answer(folder, item.key, text, by or _account())
    alike = report.sharing(item.key)
    if as_json:
        show_json({"text": kept.text, "by": kept.by, "at": kept.at, "items": alike})
        return
    print(f"{'Written to' if kept.text else 'Taken back from'} {', '.join(alike)}, as {kept.by}")


def _account() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):  # no password entry, as in some containers
        return "reader"
