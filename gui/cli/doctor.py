"""`overread doctor`, `update-check` and `version`: what this computer offers and what is missing, and what is newer."""

from __future__ import annotations

import dataclasses

import typer

from engine.errors import EngineError
from gui import installing
from gui.cli.options import LOOK, JsonOption, WorkspaceOption
from gui.cli.terminal import show_json, show_table

app = typer.Typer()


@app.command(rich_help_panel=LOOK)
def doctor(root: WorkspaceOption = None, as_json: JsonOption = False) -> None:
    """Check what Overread needs on this computer and say what is missing, without network access.

    Example: [bold]overread doctor[/bold]
    """
    checks = installing.examine(root)
    good = all(check.good for check in checks if check.needed)
    if as_json:
        show_json({"good": good, "checks": [dataclasses.asdict(check) for check in checks]})
    else:
        show_table(("", "found", ""), [(check.name, check.told, check.state) for check in checks])
    if not good:
        remedies = "; ".join(
            f"{check.name}: {check.remedy}" for check in checks if check.needed and not check.good
        )
        raise EngineError("Something that Overread needs is missing", remedies)


@app.command(rich_help_panel=LOOK)
def update_check(as_json: JsonOption = False) -> None:
    """Ask whether a newer version can be had, where pip is set to find packages. Nothing else asks.

    Example: [bold]overread update-check[/bold]
    """
    said = installing.update_said()
    if as_json:
        show_json({"said": said})
    else:
        print(said)


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
