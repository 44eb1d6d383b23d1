"""Overread in a menu: a `.desktop` entry on Linux, a shortcut on Windows, an application on macOS.

Each opens a terminal in which the program runs: what it says is seen there, and closing it ends the program. An entry
starts the Python that made it, by its whole path: nothing has to be on PATH.
"""

from __future__ import annotations

import os
import plistlib
import shlex
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePath

from engine.errors import EngineError
from engine.storage import storage_error, write_atomic
from gui.installing.icon import icon

NAME = "Overread"
COMMENT = "Over-read what a classifier predicts, beside its saliency map"
LINUX, WINDOWS, MACOS = "linux", "windows", "macos"


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """What is written so that a menu starts the program.

    Attributes:
        system: Of which operating system.
        files: What each file holds, by its path under the folder that it is written to.
        programs: Those of the files that are run.
        folder: Where the system looks for them.
        tried: What of it was run, and what never was.
        finish: What is run once the files are there, given their folder; nothing where it is empty.
        makes: What that makes elsewhere.
    """

    system: str
    files: Mapping[PurePath, bytes]
    programs: frozenset[PurePath]
    folder: Path
    tried: str
    finish: Callable[[Path], Sequence[str]] = lambda folder: ()
    makes: tuple[Path, ...] = ()


def this_system() -> str:
    """Return which operating system this is, of `SYSTEMS`.

    Raises:
        EngineError: None of them.
    """
    found = {"win32": WINDOWS, "darwin": MACOS}.get(sys.platform, LINUX if os.name == "posix" else "")
    if not found:
        raise EngineError(f"There is no entry for a menu of {sys.platform}", "Start: overread gui")
    return found


def entry_for(system: str, command: Sequence[str]) -> Entry:
    """Return what a system's menu needs.

    Args:
        system: Of `SYSTEMS`.
        command: What is started, its program by its whole path.

    Raises:
        EngineError: There is no such system, or the command cannot be written into its menu.
    """
    if system not in SYSTEMS:
        raise EngineError(
            f"There is no menu of “{system}” to write for", f"Choose one of: {', '.join(SYSTEMS)}"
        )
    broken = [each for each in command if any(ord(letter) < 32 for letter in each)]
    if broken:
        raise EngineError(
            f"{broken[0]!r} has a line break or a control character, which no menu can hold",
            "Rename the folder",
        )
    return SYSTEMS[system](command)


def started(workspace: Path | None) -> tuple[str, ...]:
    """Return the command that starts this installation's window.

    Args:
        workspace: What it shows; None means the default one.
    """
    which = () if workspace is None else ("--workspace", str(workspace.absolute()))
    return (sys.executable, "-P", "-m", "gui", "gui", *which)  # -P: whatever folder it is started in


def place(entry: Entry, folder: Path | None = None) -> list[Path]:
    """Write an entry, and return its files.

    Args:
        entry: What is written.
        folder: Where to; None means where the system looks, and what is to be done there is done.

    Raises:
        WorkspaceError: It cannot be written.
        EngineError: Windows did not make the shortcut.
    """
    root = entry.folder if folder is None else folder
    written = []
    for name, data in entry.files.items():
        path = root / name
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_atomic(path, data)
            if name in entry.programs:
                path.chmod(0o755)
        except OSError as error:
            raise storage_error(error, path) from error
        written.append(path)
    if folder is None:
        _finish(entry.finish(root))
    return written


def _finish(command: Sequence[str]) -> None:
    if not command:
        return
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, errors="replace")
    except (OSError, subprocess.TimeoutExpired) as error:
        raise EngineError(f"{command[0]} could not be run ({error})", "Start: overread gui") from error
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines() or ["it does not say why"]
        raise EngineError(f"{command[0]} did not make the shortcut: {said[0]}", "Start: overread gui")


def remove(entry: Entry, folder: Path | None = None) -> list[Path]:
    """Remove an entry's files, and return those that were there.

    Raises:
        WorkspaceError: One of them cannot be removed.
    """
    root = entry.folder if folder is None else folder
    gone = []
    for path in [*(root / name for name in entry.files), *(entry.makes if folder is None else ())]:
        try:
            path.unlink()
        except FileNotFoundError:
            continue
        except OSError as error:
            raise storage_error(error, path) from error
        gone.append(path)
    for name in entry.files:  # the folders that held them alone
        for parent in list(name.parents)[:-1]:
            with suppress(OSError):
                (root / parent).rmdir()
    return gone


# ------------------------------------------------------------------------------------------------------- Linux


_BY_SHELL = ("/bin/sh", "-c", 'exec "$0" "$@"')
"""GLib looks for the first word as it is written, with a % doubled and a = refused: the shell's is neither."""


def _linux(command: Sequence[str]) -> Entry:
    home = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
    lines = {
        "Type": "Application",
        "Name": NAME,
        "Comment": COMMENT,
        "Exec": " ".join(map(_exec_argument, (*_BY_SHELL, *command))),
        "Icon": "overread",
        "Terminal": "true",
        "Categories": "Science;MedicalSoftware;",
        "StartupNotify": "false",
    }
    text = "".join(f"{key}={value}\n" for key, value in lines.items())
    desktop = PurePath("applications", "overread.desktop")
    return Entry(
        system=LINUX,
        files={
            desktop: f"[Desktop Entry]\n{text}".encode(),
            PurePath("icons", "hicolor", "256x256", "apps", "overread.png"): icon("PNG"),
        },
        programs=frozenset({desktop}),
        folder=home,
        tried="valid by desktop-file-validate, and started by GLib",
    )


def _exec_argument(argument: str) -> str:
    """Return an argument as the key Exec has it: quoted, then escaped as every value is (Desktop Entry, 1.5)."""
    quoted = "".join(f"\\{letter}" if letter in '"`$\\' else letter for letter in argument)
    return f'"{quoted}"'.replace("%", "%%").replace("\\", "\\\\")


# ----------------------------------------------------------------------------------------------------- Windows


def _windows(command: Sequence[str]) -> Entry:
    home = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / NAME
    roaming = Path(os.environ.get("APPDATA") or Path.home() / "AppData" / "Roaming")
    program, *rest = command
    script = f"""# Makes a shortcut to Overread in the Start menu, and on the desktop where -Desktop is given.
param([switch]$Desktop)
$ErrorActionPreference = 'Stop'
$shell = New-Object -ComObject WScript.Shell
$folders = @([Environment]::GetFolderPath('Programs'))
if ($Desktop) {{ $folders += [Environment]::GetFolderPath('Desktop') }}
foreach ($folder in $folders) {{
    $shortcut = $shell.CreateShortcut((Join-Path $folder '{NAME}.lnk'))
    $shortcut.TargetPath = {_powershell(program)}
    $shortcut.Arguments = {_powershell(subprocess.list2cmdline(rest))}
    $shortcut.WorkingDirectory = [Environment]::GetFolderPath('UserProfile')
    $shortcut.IconLocation = (Join-Path $PSScriptRoot 'overread.ico')
    $shortcut.Description = {_powershell(COMMENT)}
    $shortcut.Save()
}}
"""
    shortcut = PurePath("shortcut.ps1")
    return Entry(
        system=WINDOWS,
        files={
            shortcut: script.replace("\n", "\r\n").encode("utf-8-sig"),  # without it PowerShell 5 reads ANSI
            PurePath("overread.ico"): icon("ICO"),
        },
        programs=frozenset(),
        folder=home,
        tried="never run: there was no Windows",
        finish=lambda folder: (
            "powershell", "-NoProfile", "-ExecutionPolicy", "Bypass", "-File", str(folder / shortcut),
        ),
        makes=(roaming / "Microsoft" / "Windows" / "Start Menu" / "Programs" / f"{NAME}.lnk",),
    )  # fmt: skip


def _powershell(text: str) -> str:
    """Return a text as PowerShell writes one in which nothing is replaced; it takes curly quotes for straight ones."""
    return "'" + "".join(letter * 2 if letter in "'‘’‚‛" else letter for letter in text) + "'"


# ------------------------------------------------------------------------------------------------------- macOS


def _macos(command: Sequence[str]) -> Entry:
    bundle = PurePath(f"{NAME}.app", "Contents")
    program, in_terminal = bundle / "MacOS" / NAME, bundle / "Resources" / "overread.command"
    described = {
        "CFBundleName": NAME,
        "CFBundleDisplayName": NAME,
        "CFBundleIdentifier": "org.overread.launcher",
        "CFBundleExecutable": NAME,
        "CFBundleIconFile": "overread",
        "CFBundlePackageType": "APPL",
        "CFBundleInfoDictionaryVersion": "6.0",
        "CFBundleVersion": "1",
        "LSMinimumSystemVersion": "11.0",
    }
    opens = '#!/bin/sh\nexec open -a Terminal "$(dirname "$0")/../Resources/overread.command"\n'
    return Entry(
        system=MACOS,
        files={
            bundle / "Info.plist": plistlib.dumps(described),
            program: opens.encode(),
            in_terminal: f"#!/bin/sh\nexec {shlex.join(command)}\n".encode(),
            bundle / "Resources" / "overread.icns": icon("ICNS"),
        },
        programs=frozenset({program, in_terminal}),
        folder=Path.home() / "Applications",
        tried="never run: there was no macOS; its script is run by sh in a test",
    )


SYSTEMS: Mapping[str, Callable[[Sequence[str]], Entry]] = {
    LINUX: _linux,
    WINDOWS: _windows,
    MACOS: _macos,
}
"""How each system's entry is made. A fourth is a function, and a line here."""
