"""The command lines that a text tells its reader to type, read by the program's own parser without doing anything."""

from __future__ import annotations

import re
import shlex
from functools import cache
from typing import Any

import typer

from gui.cli.main import app

FENCE = re.compile(r"^[ \t]*```[a-z]*\n(.*?)^[ \t]*```", re.MULTILINE | re.DOTALL)
WHERE_ONE_BEGINS = r"(?:^|&& |; |^\w+=\S+ )"


def understood(line: str) -> Any:
    """Read a command line as the program would, without doing anything."""
    words = shlex.split(line, comments=True)
    command = _program()
    assert words.pop(0) == "overread"
    while hasattr(command, "commands"):
        assert words, f"{line!r} names no command of {command.name}"
        name = words.pop(0)
        assert name in command.commands, f"there is no command {name} in {line!r}"
        command = command.commands[name]
    return command.make_context(command.name, words)


def known(line: str) -> bool:
    """Return whether the program knows the commands and options that a sentence names, whatever it leaves out."""
    words = line.split()
    command = _program()
    for name in words[1:]:
        if name.startswith("-") or not hasattr(command, "commands"):
            break
        if name not in command.commands:
            return False
        command = command.commands[name]
    options = {each for parameter in command.params for each in parameter.opts + parameter.secondary_opts}
    options |= {*command.get_help_option_names(typer.Context(command))}
    return {word.partition("=")[0] for word in words if word.startswith("-")} <= options


def lines_to_type(text: str) -> list[str]:
    """Return every command line of ours that stands in a block of code: what a reader copies and pastes."""
    blocks = "\n".join(FENCE.findall(text.replace("\\\n", " ")))
    return re.findall(rf"{WHERE_ONE_BEGINS}(overread [^\n]*)", blocks, re.MULTILINE)


def lines_in_sentences(text: str) -> list[str]:
    """Return every command of ours that a sentence names, whole or in part: what stands in backticks."""
    return [" ".join(each.split()) for each in re.findall(r"`(overread [^`]+)`", FENCE.sub("", text))]


@cache
def _program() -> Any:
    return typer.main.get_command(app)
