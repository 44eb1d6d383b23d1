"""The sentences that the engine makes in English, found in its source: what `engine.retelling` says in other languages.

Babel calls `extract` for the files that babel.cfg names. Taken are the messages of `DataIssue`, the two halves of an
`EngineError`, and whatever stands in `sayable(…)`. An f-string is a template, what stands in its braces named after the
expression; a condition inside one makes two sentences.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import Any, BinaryIO

from babel.messages.extract import extract_python

MOST = 24
"""Sentences that one expression may make: more are no sentences but a text put together."""
Found = tuple[int, str, Any, list[str]]


def extract(
    file: BinaryIO, keywords: Mapping[str, Any], comment_tags: Sequence[str], options: Mapping[str, Any]
) -> Iterator[Found]:
    """Return what Babel's own extraction of Python finds, and the sentences of the engine."""
    source = file.read()
    file.seek(0)
    yield from extract_python(file, keywords, comment_tags, options)  # type: ignore[arg-type]
    for line, sentence in sentences(source.decode("utf-8")):
        yield line, "_", sentence, []


def sentences(source: str) -> Iterator[tuple[int, str]]:
    """Return the sentences of a module, each with its line."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            for told in _told_by(node):
                made = list(dict.fromkeys(_made(told)))
                for sentence in made if len(made) <= MOST else ():
                    if any(sign.isalpha() for sign in _named(sentence)[1]):
                        yield node.lineno, _named(sentence)[0]


def _told_by(call: ast.Call) -> list[ast.expr]:
    called = call.func
    name = called.id if isinstance(called, ast.Name) else called.attr if isinstance(called, ast.Attribute) else ""
    if name == "sayable":
        return call.args
    if name == "DataIssue":
        return [one.value for one in call.keywords if one.arg == "message"]
    if name.endswith("Error") and len(call.args) == 2:
        return call.args
    return []


Piece = str | tuple[str]
"""Text, or the name of what is filled in."""


def _made(node: ast.expr) -> list[tuple[Piece, ...]]:
    """Return the texts that an expression makes."""
    match node:
        case ast.Constant(value=str(text)):
            return [(text,)]
        case ast.IfExp(body=one, orelse=other):
            return [*_made(one), *_made(other)]
        case ast.BinOp(left=one, op=ast.Add(), right=other):
            return [(*a, *b) for a, b in product(_made(one), _made(other))]
        case ast.JoinedStr(values=parts):
            return [tuple(piece for each in whole for piece in each) for whole in product(*map(_made, parts))]
        case ast.FormattedValue(value=value):
            return _made(value)
        case ast.Call(func=ast.Name(id="_count"), args=[of, ast.Constant(value=str(one)), *more]):
            # "3 patients are": the words that go with one, and with several
            several = [each.value for each in more if isinstance(each, ast.Constant)] or [f"{one}s"]
            return [((_name(of),), f" {words}") for words in (one, str(several[0]))]
        case _:
            return [((_name(node),),)]


def _name(node: ast.expr) -> str:
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name.strip("_").lower()
        case ast.Call(func=ast.Name(id="len")):
            return "count"
        case ast.Call(args=[one, *_]) | ast.BinOp(left=one) | ast.Subscript(value=one):
            return _name(one)
        case _:
            return "value"


def _named(pieces: Sequence[Piece]) -> tuple[str, str]:
    """Return a text with its braces, each with a name of its own, and the text without them."""
    used: list[str] = []
    whole = bare = ""
    for piece in pieces:
        if isinstance(piece, str):
            whole, bare = whole + piece, bare + piece
            continue
        used.append(piece[0])
        number = used.count(piece[0])
        whole += "{" + piece[0] + (str(number) if number > 1 else "") + "}"
    return whole.rstrip("."), bare
