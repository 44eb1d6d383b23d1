"""`overread data`: the data sets there are; renamed, noted, archived, deleted."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from engine import data as data_sets, managing, naming, reading
from engine.errors import DataError
from engine.workspace import Workspace, open_workspace
from gui.cli.managing.asked import BackOption, NameArgument, NoteArgument, YesOption, agreed
from gui.cli.options import LOOK, JsonOption, WorkspaceOption, named
from gui.cli.terminal import say, say_error, show_json, show_table

app = typer.Typer()
kept = typer.Typer(no_args_is_help=True)
app.add_typer(
    kept,
    name="data",
    rich_help_panel=LOOK,
    help="List the data sets of the workspace; rename, note, archive or delete one.\n\n"
    "Example: [bold]overread data list[/bold]",
)
DataArgument = Annotated[
    str,
    typer.Argument(
        parser=named, metavar="DATASET", help="A data set's id or the start of one.", show_default=False
    ),
]


@kept.command("list")
def list_data(root: WorkspaceOption = None, as_json: JsonOption = False) -> None:
    """List every data set, the archived ones too.

    Example: [bold]overread data list[/bold]
    """
    workspace = open_workspace(root)
    found = data_sets.list_indexes(workspace, on_damaged=say_error)
    given = {one.dataset_id: naming.given_of(workspace.datasets / one.dataset_id) for one in found}
    if as_json:
        listed = [
            {
                "dataset_id": one.dataset_id,
                "name": one.name,
                "images": one.images,
                "classes": one.classes,
                "root": one.root,
                "created": one.created,
                "note": given[one.dataset_id].note,
                "archived": given[one.dataset_id].archived,
            }
            for one in found
        ]
        show_json({"data": listed})
        return
    rows = [
        (
            one.dataset_id,
            one.name,
            one.images,
            f"{one.created.astimezone():%d %b %Y %H:%M}",
            "archived" if given[one.dataset_id].archived else "",
            given[one.dataset_id].note,
        )
        for one in found
    ]
    show_table(
        ("data set", "name", "images", "imported", "", "note"),
        rows,
        none="There are no data sets yet. Read images: overread index FOLDER",
    )


@kept.command()
def rename(dataset: DataArgument, name: NameArgument, root: WorkspaceOption = None) -> None:
    """Give a data set a name of your own; runs trained from then on are trained on a data set of that name.

    Example: [bold]overread data rename 3f2a "Chest, May"[/bold]
    """
    given = naming.give(_folder(open_workspace(root), dataset), name=name)
    print(f"It is named “{given.name}”." if given.name else "It has the name that it came with.")


@kept.command()
def note(dataset: DataArgument, text: NoteArgument, root: WorkspaceOption = None) -> None:
    """Keep a note with a data set.

    Example: [bold]overread data note 3f2a "without the images of the old scanner"[/bold]
    """
    given = naming.give(_folder(open_workspace(root), dataset), note=text)
    print("The note is kept." if given.note else "It has no note.")


@kept.command()
def archive(dataset: DataArgument, back: BackOption = False, root: WorkspaceOption = None) -> None:
    """Leave a data set out wherever one is chosen; by its id, and by a link to it, it opens as before.

    Example: [bold]overread data archive 3f2a[/bold]
    """
    naming.give(_folder(open_workspace(root), dataset), archived=not back)
    print("It is offered again." if back else "It is archived. Offer it again with --back.")


@kept.command()
def delete(dataset: DataArgument, yes: YesOption = False, root: WorkspaceOption = None) -> None:
    """Delete a data set, after saying what depends on it; images outside the workspace and readings stay.

    Example: [bold]overread data delete 3f2a[/bold]
    """
    workspace = open_workspace(root)
    managing.refuse_read_only(workspace)
    dataset_id = _folder(workspace, dataset).name
    with reading.open_store(workspace.database) as store:
        known = managing.dependents_of_data(workspace, store, dataset_id)
        if agreed(f"data set {dataset_id}", known, yes=yes):
            managing.delete_data(workspace, store, dataset_id)
            print(f"Data set {dataset_id} is deleted.")
        else:
            say("Nothing was deleted")


def _folder(workspace: Workspace, dataset: str) -> Path:
    """Return the folder of the one data set that is meant.

    Raises:
        DataError: There is none, or several begin so.
    """
    folders = [path.parent for path in sorted(workspace.datasets.glob("*/index.json"))]
    matching = [one for one in folders if dataset and one.name.startswith(dataset)]
    if len(matching) != 1:
        raise DataError(
            f"“{dataset}” does not match exactly one data set",
            "Choose one of those that `overread data list` lists",
        )
    return matching[0]
