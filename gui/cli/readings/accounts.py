"""`overread accounts`: who may sign in where a department reads, and as what."""

from __future__ import annotations

import getpass
import sys
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from engine import reading
from engine.errors import ReviewError, WorkspaceError
from engine.records import READER_ROLES
from engine.storage import storage_error
from engine.workspace import open_workspace
from gui.cli.options import LOOK, JsonOption, WorkspaceOption, place
from gui.cli.readings.readers import known_reader
from gui.cli.terminal import say, show_json, show_table

app = typer.Typer()
accounts = typer.Typer(no_args_is_help=True)
app.add_typer(
    accounts,
    name="accounts",
    rich_help_panel=LOOK,
    help="Say who may sign in to `overread gui --auth`, and as what.\n\n"
    'Example: [bold]overread accounts add "Ada Byron" --role administrator[/bold]',
)
NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="A reader's name.", show_default=False)]
PasswordOption = Annotated[
    Path | None,
    typer.Option(
        "--password-file",
        parser=place,
        metavar="FILE",
        help="Take the password from a file, or from - (standard input), instead of asking for it.",
    ),
]
RoleOption = Annotated[
    str | None, typer.Option(help=f"One of {', '.join(READER_ROLES)}; default: as it is, else reader.")
]


@accounts.command("add")
def add(
    name: NameArgument,
    role: RoleOption = None,
    password: PasswordOption = None,
    root: WorkspaceOption = None,
) -> None:
    """Give somebody an account; who is not in the list of readers yet is added to it.

    Example: [bold]overread accounts add "Ada Byron" --role administrator[/bold]
    """
    with reading.open_store(open_workspace(root).database) as store:
        found = store.find_reader(name)
        typed = _password(found.name if found else name, password)
        if found is None:
            added = reading.Reader(reader_id="", name=name, role=role or "reader", introduced=False)
            found = store.add_reader(added)
        elif role is not None and role != found.role:
            found = store.change_reader(replace(found, role=role))
        store.accounts.set_password(found.name, typed)
        say(f"{found.name} ({found.role}) may sign in.")


@accounts.command("password")
def password(name: NameArgument, password: PasswordOption = None, root: WorkspaceOption = None) -> None:
    """Give somebody another password; they are signed out everywhere.

    Example: [bold]overread accounts password "Ada Byron"[/bold]
    """
    with reading.open_store(open_workspace(root).database) as store:
        if not any(each.reader.name == name for each in store.accounts.all()):
            raise ReviewError(f"{name} has no account", "Make one: overread accounts add NAME")
        store.accounts.set_password(name, _password(name, password))
        say(f"{name} has another password, and is signed out everywhere.")


@accounts.command("role")
def role(
    name: NameArgument,
    role: Annotated[str, typer.Argument(metavar="ROLE", help=f"One of {', '.join(READER_ROLES)}.")],
    root: WorkspaceOption = None,
) -> None:
    """Let somebody be another thing from now on; who was what, when, stays in the chain.

    Example: [bold]overread accounts role "Ada Byron" adjudicator[/bold]
    """
    with reading.open_store(open_workspace(root).database) as store:
        changed = store.change_reader(replace(known_reader(store, name), role=role))
        say(f"{changed.name} is {changed.role} now.")


@accounts.command("disable")
def disable(name: NameArgument, root: WorkspaceOption = None) -> None:
    """Shut an account and sign it out; what was read under it stays.

    Example: [bold]overread accounts disable "Ada Byron"[/bold]
    """
    with reading.open_store(open_workspace(root).database) as store:
        store.accounts.disable(name)
        say(
            f"{name} may not sign in any more, and is signed out. overread accounts enable lets them in again."
        )


@accounts.command("enable")
def enable(name: NameArgument, root: WorkspaceOption = None) -> None:
    """Let somebody in again by the password they had.

    Example: [bold]overread accounts enable "Ada Byron"[/bold]
    """
    with reading.open_store(open_workspace(root).database) as store:
        store.accounts.disable(name, disabled=False)
        say(f"{name} may sign in again.")


@accounts.command("sign-out")
def sign_out(name: NameArgument, root: WorkspaceOption = None) -> None:
    """End every session of somebody, within seconds.

    Example: [bold]overread accounts sign-out "Ada Byron"[/bold]
    """
    with reading.open_store(open_workspace(root).database) as store:
        store.accounts.sign_out_everywhere(name)
        say(f"{name} is signed out everywhere.")


@accounts.command("list")
def show(root: WorkspaceOption = None, as_json: JsonOption = False) -> None:
    """List who may sign in.

    Example: [bold]overread accounts list[/bold]
    """
    with reading.open_store(open_workspace(root).database) as store:
        found = store.accounts.all()
    told = [
        {
            "name": each.reader.name,
            "role": each.reader.role,
            "disabled": each.disabled,
            "password_since": each.changed,
            "signed_in": each.signed_in,
        }
        for each in found
    ]
    if as_json:
        show_json({"accounts": told})
        return
    lines = [
        (
            each["name"],
            each["role"],
            "disabled" if each["disabled"] else "",
            str(each["password_since"])[:10],
            str(each["signed_in"]),
        )
        for each in told
    ]
    show_table(
        ("name", "role", "", "password since", "browsers signed in"),
        lines,
        none="There are no accounts yet. Make one: overread accounts add NAME",
    )


def _password(name: str, file: Path | None) -> str:
    """Read a password from a file, or ask for it twice.

    Raises:
        ReviewError: The two differ, or nobody can be asked.
        WorkspaceError: The file cannot be read.
    """
    if file is not None:
        try:
            written = sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8")
        except OSError as error:
            raise storage_error(error, file) from error
        except UnicodeDecodeError as error:
            raise WorkspaceError(f"{file} is not text", "Write the password into it as UTF-8") from error
        return written.rstrip("\r\n")
    if not sys.stdin.isatty():
        raise ReviewError(
            "A password is needed, and no one is here to type it", "Give it with --password-file"
        )
    typed = getpass.getpass(f"Password for {name}: ")
    if typed != getpass.getpass("Once more: "):
        raise ReviewError("The two passwords differ", "Try again")
    return typed
