"""The sentences that the engine makes in English, found in its source: what `engine.retelling` says in other languages.

Babel calls `extract` for the files that babel.cfg names. Taken are the messages of `DataIssue`, the two halves of an
`EngineError`, and the two forms of a noun that `counted` counts. An f-string is a template, what stands in its braces
named after the expression; a condition inside one makes two sentences. `extract_every` takes whatever a module says, of
those whose words a page repeats however they are put together. `extract_checklists` finds what the checklists ask.
"""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any, BinaryIO

from babel.messages.extract import extract_python

from engine import errors
from engine.errors import EngineError

KEYWORDS = {"DataIssue": "message", "Choice": "words", "JsonFile": "remedy"}
"""The argument in which what is made says its sentence."""
CLASS = re.compile(r"^class (\w+)\((\w+)\):", re.MULTILINE)


def _errors() -> frozenset[str]:
    """Return the names of `EngineError` and of every kind of it, whichever module of the engine has it."""
    known = {EngineError.__name__}
    sources = Path(errors.__file__).parent.rglob("*.py")
    classes = [found for file in sources for found in CLASS.findall(file.read_text(encoding="utf-8"))]
    while more := {name for name, base in classes if base in known} - known:
        known |= more
    return frozenset(known)


ERRORS = _errors()
"""What is raised with a problem and a remedy."""
MOST = 24
"""Sentences that one expression may make: more are no sentences but a text put together."""
WORD = re.compile(r"(?<!\S)[a-z]{2,}(?=[\s.,;:)]|$)")
BRACES = re.compile(r"\{\w+\}")
UNSPOKEN = re.compile(
    r"_|N_|ngettext|count_of|counted|cast|re\.compile|log\.\w+|(Type|Runtime|Assertion)Error|.+\.split"
)
"""Calls whose texts are found already, or which no page repeats."""
Found = tuple[int, str, Any, list[str]]
Piece = str | tuple[str]
"""Text, or the name of what is filled in."""


def extract(
    file: BinaryIO, keywords: Mapping[str, Any], comment_tags: Sequence[str], options: Mapping[str, Any]
) -> Iterator[Found]:
    """Return what Babel's own extraction of Python finds, and the sentences of the engine."""
    source = file.read()
    file.seek(0)
    yield from extract_python(file, keywords, comment_tags, options)  # type: ignore[arg-type]
    text = source.decode("utf-8")
    for line, sentence in (*sentences(text), *_in_f_strings(text)):
        yield line, "_", sentence, []
    for node in ast.walk(ast.parse(text)):
        match node:
            case ast.Call(func=ast.Name(id="counted"), args=[_, ast.Constant(value=str(one)), *more]):
                yield node.lineno, "ngettext", tuple(f"{{count}} {words}" for words in _forms(one, more)), []


def extract_every(
    file: BinaryIO, keywords: Mapping[str, Any], comment_tags: Sequence[str], options: Mapping[str, Any]
) -> Iterator[Found]:
    """Return what `extract` finds, and every other text of several words: whatever it is kept or told by."""
    source = file.read()
    file.seek(0)
    yield from extract(file, keywords, comment_tags, options)
    yield from ((line, "_", text, []) for line, text in every_text(source.decode("utf-8")))


def every_text(source: str) -> Iterator[tuple[int, str]]:
    """Yield a module's texts of two words or more, but what programmers, a log or a command line read."""
    tree = ast.parse(source)
    left = set(_unspoken(tree))
    known = "\n".join(BRACES.sub("{}", sentence) for _line, sentence in sentences(source))
    for node in ast.walk(tree):
        if node not in left and isinstance(node, ast.JoinedStr | ast.Constant) and len(_made(node)) <= MOST:
            for text in _made(node) if isinstance(node, ast.JoinedStr) or isinstance(node.value, str) else ():
                words, bare = _named(text)
                if len(WORD.findall(bare)) > 1 and BRACES.sub("{}", words) not in known:
                    yield node.lineno, words


def _unspoken(tree: ast.Module) -> Iterator[ast.AST]:
    """Yield docstrings, parts of f-strings, and what goes to no page."""
    for node in ast.walk(tree):
        match node:
            case ast.Expr(value=ast.Constant() as text):
                yield text
            case ast.JoinedStr(values=parts):
                yield from (each for part in parts for each in ast.walk(part))
            case ast.keyword(arg="option"):
                yield from ast.walk(node)
            case ast.Call(func=called) if UNSPOKEN.fullmatch(ast.unparse(called)):
                yield from ast.walk(node)


def _in_f_strings(source: str) -> Iterator[tuple[int, str]]:
    """Yield what is said by `_` within an f-string, which is one word to Babel before Python 3.12."""
    for whole in ast.walk(ast.parse(source)):
        if isinstance(whole, ast.JoinedStr):
            for node in ast.walk(whole):
                match node:
                    case ast.Call(func=ast.Name(id="_" | "N_"), args=[ast.Constant(value=str(said))]):
                        yield node.lineno, said


def extract_checklists(
    file: BinaryIO, keywords: Mapping[str, Any], comment_tags: Sequence[str], options: Mapping[str, Any]
) -> Iterator[Found]:
    """Return what a checklist is and asks, in our words; who published it is a name."""
    checklist = tomllib.load(file)
    texts = [checklist["about"], checklist["sure"]]
    texts += [item.get(name, "") for item in checklist["items"] for name in ("asks", "left", "kind")]
    yield from ((1, "_", text, []) for text in dict.fromkeys(filter(None, texts)))


def sentences(source: str) -> Iterator[tuple[int, str]]:
    """Return the sentences of a module, each with its line."""
    tree = ast.parse(source)
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    of_the_module = _assigned(tree.body)
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            within = [one for one in functions if one.lineno <= node.lineno <= (one.end_lineno or 0)]
            known = _assigned(ast.walk(within[-1])) if within else {}
            for told in (way for each in _told_by(node) for way in _ways(each)):
                whole = of_the_module | known
                made = whole.get(told.id, []) if isinstance(told, ast.Name) else _made(told)
                made = [*made] if len(made) <= MOST else []
                for given in (
                    _given(told.id, within[-1]) if isinstance(told, ast.Name) and within else (told,)
                ):
                    made += _filled_in(given, known)
                for sentence in dict.fromkeys(made):
                    words, bare = _named(sentence)
                    if any(sign.isalpha() for sign in bare):
                        yield node.lineno, words


def _ways(told: ast.expr) -> list[ast.expr]:
    """Return what may be told: of `a or b` and of `next(…, b)` each."""
    match told:
        case ast.BoolOp(op=ast.Or(), values=ways):
            return ways
        case ast.Call(func=ast.Name(id="next"), args=[_, instead]):
            return [instead]
        case _:
            return [told]


def _given(name: str, function: ast.FunctionDef) -> list[ast.expr]:
    """Return what a function gives to a name."""
    return [
        one.value
        for one in ast.walk(function)
        if isinstance(one, ast.Assign) and [ast.unparse(each) for each in one.targets] == [name]
    ]


def _filled_in(told: ast.expr, known: Mapping[str, list[tuple[Piece, ...]]]) -> Iterator[tuple[Piece, ...]]:
    """Return the words of ours that are filled into a sentence: what a name in its braces is given."""
    for node in ast.walk(told):
        if isinstance(node, ast.FormattedValue) and isinstance(node.value, ast.Name):
            texts = known.get(node.value.id, [])
            if len(texts) <= MOST:
                yield from filter(None, map(_whole_words, texts))


def _whole_words(text: tuple[Piece, ...]) -> tuple[Piece, ...]:
    """Return a text that is filled in without what parts it from the words before; nothing where it has none."""
    first, *others = text
    text = (first.lstrip("; ") if isinstance(first, str) else first, *others)
    words = " ".join(piece for piece in text if isinstance(piece, str)).split()
    return text if len(words) > (len(text) > 1) and len("".join(words)) > 2 else ()


def _assigned(nodes: Iterable[ast.AST]) -> dict[str, list[tuple[Piece, ...]]]:
    """Return the texts that a function or a module gives to each of its names; what it adds may be added or not."""
    known: dict[str, list[tuple[Piece, ...]]] = {}
    for node in sorted(
        (one for one in nodes if isinstance(one, ast.Assign | ast.AugAssign)),
        key=lambda one: one.lineno,
    ):
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                known[name] = known.get(name, []) + _made(value)
            case ast.AugAssign(target=ast.Name(id=name), op=ast.Add(), value=value):
                before = known.get(name, [])
                known[name] = before + [(*one, *more) for one, more in product(before, _made(value))]
    return known


def _told_by(call: ast.Call) -> list[ast.expr]:
    called = call.func
    name = (
        called.id
        if isinstance(called, ast.Name)
        else called.attr
        if isinstance(called, ast.Attribute)
        else ""
    )
    if name in KEYWORDS:
        return [one.value for one in call.keywords if one.arg == KEYWORDS[name]]
    if name in ("inestimable", "_none", "skipped", "_read"):
        return call.args[:1]
    if name == "Remark":
        return [one for one in call.args if isinstance(one, ast.Constant | ast.JoinedStr)]
    if name == "read_arrays":
        return call.args[3:]
    if name == "unpacked":
        return call.args[1:]
    if name == "check_room":
        return [call.args[0], call.args[3]]
    if name == "without_interval" and len(call.args) > 1:
        return [call.args[1]]
    if name in ("_question", "_issue", "_parts") and len(call.args) > 1:
        return [call.args[1]]
    if name == "_level" and len(call.args) > 2:
        return [call.args[2]]
    if (name in ERRORS or name.endswith("Error")) and len(call.args) == 2:
        return call.args
    if name == "ValueError" and len(call.args) == 1:  # stands in brackets behind "is damaged or was changed"
        return [one for one in call.args if len(ast.unparse(one).split()) > 3]
    return []


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
        case ast.Call(func=ast.Name(id="count_of"), args=[of, ast.Constant(value=str(one)), *more]):
            return [((_name(of),), f" {words}") for words in _forms(one, more)]
        case _:
            return [((_name(node),),)]


def _forms(one: str, more: Sequence[ast.expr]) -> tuple[str, str]:
    """Return the words that go with one, and with several: patient is, patients are."""
    return one, next((str(each.value) for each in more if isinstance(each, ast.Constant)), f"{one}s")


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
