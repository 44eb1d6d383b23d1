"""`overread runs fetch`, `rename`, `note`, `archive`, `delete`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from engine import managing, naming, reading, remote
from engine.errors import RunError
from engine.workspace import Workspace, open_workspace
from gui.cli.managing.asked import BackOption, NameArgument, NoteArgument, YesOption, agreed
from gui.cli.options import RunArgument, WorkspaceOption
from gui.cli.terminal import progress, say
from gui.cli.train import kept_runs

app = typer.Typer()  # its commands are those of `overread runs`


@kept_runs.command()
def fetch(
    where: Annotated[
        str,
        typer.Argument(
            metavar="WHERE", help="Its folder: a path, or s3://…, sftp://…, gcs://… (extra remote)."
        ),
    ],
    root: WorkspaceOption = None,
) -> None:
    """Bring a finished run from another workspace, on this computer or in a store; its images stay where they are.

    Example: [bold]overread runs fetch sftp://ada@gpu.example/home/ada/overread/runs/20261127-021500-9f3c[/bold]
    """
    workspace = open_workspace(root)
    with progress("Fetching the run") as bar:
        run = remote.bring_run(workspace, where, progress=bar)
    print(f"Run {run.run_id} is here.")
    say(f"Next: overread predict {run.run_id} DATASET")


@kept_runs.command()
def rename(run: RunArgument, name: NameArgument, root: WorkspaceOption = None) -> None:
    """Give a run a name of your own, by which every page then shows it.

    Example: [bold]overread runs rename latest "Before the new scanner"[/bold]
    """
    given = naming.give(_folder(open_workspace(root), run), name=name)
    print(f"It is named “{given.name}”." if given.name else "It has no name of its own.")


@kept_runs.command()
def note(run: RunArgument, text: NoteArgument, root: WorkspaceOption = None) -> None:
    """Keep a note with a run.

    Example: [bold]overread runs note latest "trained without the images of May"[/bold]
    """
    given = naming.give(_folder(open_workspace(root), run), note=text)
    print("The note is kept." if given.note else "It has no note.")


@kept_runs.command()
def archive(run: RunArgument, back: BackOption = False, root: WorkspaceOption = None) -> None:
    """Leave a run out wherever one is chosen; by its id, and by a link to it, it opens as before.

    Example: [bold]overread runs archive 20261126-0715[/bold]
    """
    naming.give(_folder(open_workspace(root), run), archived=not back)
    print("It is offered again." if back else "It is archived. Offer it again with --back.")


@kept_runs.command()
def delete(run: RunArgument, yes: YesOption = False, root: WorkspaceOption = None) -> None:
    """Delete a run, after saying what depends on it; readings stay. A run that a study reads cannot be deleted.

    Example: [bold]overread runs delete 20261126-0715[/bold]
    """
    workspace = open_workspace(root)
    managing.refuse_read_only(workspace)
    run_id = _folder(workspace, run).name
    with reading.open_store(workspace.database) as store:
        known = managing.dependents_of_run(workspace, store, run_id)
        if agreed(f"run {run_id}", known, yes=yes):
            managing.delete_run(workspace, store, run_id)
            print(f"Run {run_id} is deleted.")
        else:
            say("Nothing was deleted")


def _folder(workspace: Workspace, run: str) -> Path:
    """Return the folder of the one run that is meant, finished or not.

    Raises:
        RunError: There is none, or several begin so.
    """
    folders = [
        one for one in sorted(workspace.runs.iterdir()) if one.is_dir() and not naming.given_of(one).deleted
    ]
    exact = [one for one in folders if one.name == run]
    matching = (
        folders[-1:]
        if run == "latest"
        else exact or [one for one in folders if run and one.name.startswith(run)]
    )
    if len(matching) != 1:
        raise RunError(
            f"“{run}” does not match exactly one run", "Choose one of those that `overread runs` lists"
        )
    return matching[0]
