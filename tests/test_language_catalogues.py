"""A catalogue is a whole language: every sentence of the interface once, with what is filled into it, and no other."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from babel import Locale
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.pofile import read_po
from babel.util import pathmatch

from docs import engine_sentences
from engine.language import CATALOGUES, ENGLISH

ROOT = Path(__file__).parent.parent
CODES = sorted(path.stem for path in CATALOGUES.glob("*.po"))
FILLED = re.compile(r"\{[^{}]*\}")
OF_ONE = re.compile(
    r"(\{(?:count|n|total|most|nameless|again|masks|cases|counts)\d*\}) (?:training |validation )?"
    r"(?:image|row|file|mask|case|patient|label|reader|reading|epoch|name(?= is))\b"
)
"""A count that is one: its noun is that of one thing."""
Id = str | tuple[str, ...]


@cache
def extracted() -> dict[Id, str]:
    """Return every sentence that the code says by `_` or `ngettext`, with the file that says it."""
    with (ROOT / "babel.cfg").open(encoding="utf-8") as file:
        methods, options = parse_mapping_cfg(file)
    told: dict[Id, str] = {}
    for package in ("engine", "gui"):
        for file_name, _line, message, _comments, _context in extract_from_dir(
            ROOT / package, methods, options
        ):
            found = tuple(message) if isinstance(message, (list, tuple)) else message
            told.setdefault(found, f"{package}/{file_name}")
    return told


@cache
def catalogue(code: str) -> Catalog:
    with (CATALOGUES / f"{code}.po").open("rb") as file:
        return read_po(file, locale=code)


def sentences(code: str) -> dict[Id, Message]:
    return {
        tuple(one.id) if isinstance(one.id, (list, tuple)) else one.id: one
        for one in catalogue(code)
        if one.id
    }


def said(one: Message) -> list[str]:
    """Return what stands in place of a sentence, in all its forms."""
    return [one.string] if isinstance(one.string, str) else list(one.string)


@pytest.mark.parametrize("code", CODES)
def test_every_sentence_of_the_interface_has_a_translation_and_there_is_no_other(code: str) -> None:
    told, needed = sentences(code), extracted()
    lacking = [f"{where}: {one}" for one, where in needed.items() if one not in told]
    assert not lacking, "Add a translation"
    assert not [one for one in told if one not in needed], "Nothing says this any more: take it out"
    assert not [one for one, message in told.items() if not all(said(message)) or message.fuzzy]


@pytest.mark.parametrize("code", CODES)
def test_a_translation_is_filled_with_what_the_sentence_is_filled_with(code: str) -> None:
    for one, message in sentences(code).items():
        wanted = set(FILLED.findall(one if isinstance(one, str) else one[-1]))
        for form in said(message):
            found = set(FILLED.findall(form))
            # a form for one thing may say its count in a word
            in_a_word = {"{count}", "{days}"} if isinstance(one, tuple) else set(OF_ONE.findall(one))
            assert wanted - in_a_word <= found <= wanted, one
            assert "`" not in form and "${" not in form, f"A pane evaluates it as JavaScript: {one}"


def test_hebrew_says_one_in_a_word_behind_its_noun_where_a_digit_would_be_the_number_of_the_thing() -> None:
    told = [(one, form) for one, message in sentences("he").items() for form in said(message)]
    of_one = [(filled, form) for one, form in told if isinstance(one, str) for filled in OF_ONE.findall(one)]
    assert len(of_one) > 50
    assert not [form for filled, form in of_one if filled in form]


@pytest.mark.parametrize("code", CODES)
def test_a_catalogue_says_a_sentence_once_and_counts_as_its_language_does(code: str) -> None:
    file = (CATALOGUES / f"{code}.po").read_text(encoding="utf-8")
    blocks = re.findall(r'^msgid ((?:".*"\n)+)', file, flags=re.MULTILINE)
    assert not [one for one, count in Counter(blocks).items() if count > 1]
    told = catalogue(code)
    assert told.locale == Locale.parse(code) != Locale.parse(ENGLISH)
    forms = {len(said(one)) for one in sentences(code).values() if not isinstance(one.id, str)}
    assert forms <= {told.num_plurals}


@pytest.mark.parametrize("code", CODES)
def test_a_term_that_was_settled_is_said_in_no_other_way(code: str) -> None:
    file = (CATALOGUES / f"{code}.po").read_text(encoding="utf-8")
    settled = re.findall(r"^# term: (.*) = .*, not (.*)$", file, flags=re.MULTILINE)
    assert settled, "The head of the catalogue says what a term is not"
    forms = [(one, form) for one, message in sentences(code).items() for form in said(message)]
    assert not [(term, one) for term, word in settled for one, form in forms if word in form]


TAKEN_OVER = {
    "engine/experiments/asked/work.py": "why trainings failed, as they said it",
    "engine/experiments/loop.py": "what a training said at its end",
    "engine/managing/deleting.py": "what depends on it, said by `_`",
    "engine/reading/studies/planning/complaints.py": "said by `_`, one for each field",
    "engine/reading/studies/planning/protocol.py": "pydantic's own words",
    "engine/report/exports/bundle/searching.py": "the remedies of the bundles, each in `N_`",
    "engine/supplied/troubles.py": "remarks put together, each in `N_`",
    "gui/pages/keeping.py": "said by `_`",
    "gui/sharing/link.py": "what another process said",
}
"""Modules with errors whose halves come from elsewhere, and from where."""
SAID_BY = ("_", "N_", "ngettext")


def errors_made(path: Path) -> Iterator[tuple[str, ast.expr]]:
    """Yield the two halves of each error that a module makes, with the function that makes it."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and len(node.args) == 2:
            name = ast.unparse(node.func).rpartition(".")[2]
            if name in (*engine_sentences.ERRORS, "error") and not ast.unparse(node.func).startswith("log."):
                within = [one for one in functions if one.lineno <= node.lineno <= (one.end_lineno or 0)]
                source = ast.unparse(within[-1]) if within else ""
                yield from ((source, half) for half in node.args)


def texts_in(value: object) -> Iterator[str]:
    """Yield the texts of several words in a constant: a text, or a table of them."""
    if isinstance(value, str):
        yield from [value] if " " in value else []
    elif isinstance(value, Mapping):
        yield from (text for one in value.values() for text in texts_in(one))
    elif isinstance(value, (tuple, list, frozenset)):
        yield from (text for one in value for text in texts_in(one))


def of_sentences(names: Iterable[str], module: Mapping[str, Any]) -> bool:
    """Return whether constants of a module hold sentences of the catalogues, and no others."""
    texts = [text for name in names if name in module for text in texts_in(module[name])]
    return bool(texts) and all(text in extracted() for text in texts)


def names_in(node: ast.AST) -> list[str]:
    return [one.id for one in ast.walk(node) if isinstance(one, ast.Name)]


def comes_said(name: str, source: str, module: Mapping[str, Any]) -> bool:
    """Return whether a name of a function is given sentences alone: by a parameter, a table or what it is set to."""
    tree = ast.parse(source)
    function = next((one for one in ast.walk(tree) if isinstance(one, ast.FunctionDef)), None)
    if function is None:
        return False
    parameters = [one.arg for one in function.args.args]
    given = ast.Call(ast.Name(function.name), [ast.Name(one) for one in parameters], [])
    if name in parameters:  # of what `docs.engine_sentences` looks for at each call, or of the module's own
        looked_for = any(
            isinstance(one, ast.Name) and one.id == name for one in engine_sentences._told_by(given)
        )
        return looked_for or given_said(function.name, parameters.index(name), module)
    found: list[bool] = []
    for node in ast.walk(function):
        match node:
            case ast.Assign(targets=[ast.Name(id=set_to)], value=value) if set_to == name:
                found.append(is_said(value, source, module))
            case (
                ast.Assign(targets=[ast.Tuple() as several], value=value)
                | ast.For(target=several, iter=value)
            ) if name in names_in(several):
                found.append(of_sentences(names_in(value), module))
    return bool(found) and all(found)


def given_said(function: str, place: int, module: Mapping[str, Any]) -> bool:
    """Return whether a module gives a function of its own a sentence at each call."""
    whole = ast.parse(Path(module["__file__"]).read_text(encoding="utf-8"))
    said = [
        is_said(call.args[place], ast.unparse(caller), module)
        for caller in ast.walk(whole)
        if function.startswith("_") and isinstance(caller, ast.FunctionDef)
        for call in ast.walk(caller)
        if isinstance(call, ast.Call) and ast.unparse(call.func) == function and len(call.args) > place
    ]
    return bool(said) and all(said)


def is_said(half: ast.expr, source: str, module: Mapping[str, Any]) -> bool:
    """Return whether half an error is a sentence of the catalogues, as far as its source says so."""
    while isinstance(half, ast.Call) and isinstance(half.func, ast.Attribute) and half.func.attr == "format":
        half = half.func.value
    calls = [node for node in ast.walk(half) if isinstance(node, ast.Call)]
    if any(ast.unparse(one.func) in SAID_BY for one in calls):
        return True
    if isinstance(half, ast.Attribute) and half.attr in ("problem", "remedy"):
        return True  # another error's
    if isinstance(half, ast.Call) and inspect.isfunction(said := module.get(ast.unparse(half.func))):
        own = inspect.getsource(said)
        ends = [
            node.value for node in ast.walk(ast.parse(own)) if isinstance(node, ast.Return) and node.value
        ]
        return bool(ends) and all(is_said(one, own, module) for one in ends)
    texts = engine_sentences._made(half)
    if isinstance(half, ast.Name):
        texts = engine_sentences._assigned(ast.walk(ast.parse(source))).get(half.id, [])
    bare = [engine_sentences._named(text)[1] for text in texts]
    if bare and all(sum(sign.isalpha() for sign in one) >= 4 for one in bare):
        return True
    if isinstance(half, ast.Name) and comes_said(half.id, source, module):
        return True
    return of_sentences(names_in(half), module)


def test_both_halves_of_every_error_that_a_page_may_show_are_sentences_of_the_catalogues() -> None:
    with (ROOT / "babel.cfg").open(encoding="utf-8") as file:
        methods, _ = parse_mapping_cfg(file)
    unsaid = []
    for package in ("engine", "gui"):
        for path in sorted((ROOT / package).rglob("*.py")):
            within = path.relative_to(ROOT / package).as_posix()
            if next(method for pattern, method in methods if pathmatch(pattern, within)) == "python":
                continue
            where = path.relative_to(ROOT)
            module = vars(importlib.import_module(".".join(where.with_suffix("").parts)))
            unsaid += [
                (where.as_posix(), ast.unparse(half))
                for source, half in errors_made(path)
                if not is_said(half, source, module)
            ]
    assert not [one for one in unsaid if one[0] not in TAKEN_OVER], "Say it by `_` or in a form that is found"
    assert {where for where, _half in unsaid} == set(TAKEN_OVER)


TYPED = re.compile(r"\boverread [a-z]|(?<![\w-])--[a-z]|\bpip\b|`|: \{(?:again|command)\}|\bssh-add\b")
"""What is typed on a command line, in a sentence or in what is filled into it."""
BY_COMMAND_ALONE = {
    "Whether images differ from those of training is not known for this run;": "the fit of an earlier version's run",
    "Whether these images as a set differ from those of training is not known, since": "the same, once more",
    "It has not been measured how far these heatmaps can be believed;": "the passport of a run's heatmaps",
    "The run's heatmaps have been made otherwise since its passport;": "the same, once more",
    "For this run no features of its images are kept:": "the features of an earlier version's run",
    "It was not measured what becomes of the predictions when test images": "the robustness of a run",
    "{count} names of these data are none of the run's classes,": "answers about more names than a page has room for",
    "{count} more are not shown.": "all of a version's corrections, as a table",
}
"""Sentences of what no page does, and what that is: they are addressed to whoever can do it."""
BY_SSH = {
    "Connect once with `ssh {server}`": "a server of one's own is reached so",
    "Set up a key for it, and load it with ssh-add": "the same",
    "Try `ssh {destination}` by hand": "the same",
}
"""Sentences for whoever chose to share by a server of their own, and named it as ssh takes it."""


def test_no_sentence_that_a_page_may_show_names_what_is_typed_but_where_no_page_does_it() -> None:
    """A clinician at a window types no command: an error's `option` holds it, and the command line alone says it."""
    texts = [text for one in extracted() for text in ([one] if isinstance(one, str) else one)]
    listed = {
        start: [one for one in texts if one.startswith(start)] for start in (*BY_COMMAND_ALONE, *BY_SSH)
    }
    assert {start: len(found) for start, found in listed.items()} == dict.fromkeys(listed, 1)
    kept = [one for found in listed.values() for one in found]
    assert not [one for one in texts if TYPED.search(one) and one not in kept], "Say it by `option`"
    assert all(TYPED.search(one) for one in kept)
    addressed = [one for start in BY_COMMAND_ALONE for one in listed[start]]
    assert not [one for one in addressed if "hoever runs Overread can" not in one]
    translated = [
        (one, form) for code in CODES for one, message in sentences(code).items() for form in said(message)
    ]
    assert not [form for one, form in translated if TYPED.search(form) and one not in kept]


def test_a_sentence_is_found_whichever_module_has_the_kind_of_error_that_says_it() -> None:
    raised = 'raise ServerLost(f"{host} is gone for good", "Ask its keeper")'  # of engine.pacs, not of engine.errors
    assert {said for _line, said in engine_sentences.sentences(raised)} == {
        "{host} is gone for good",
        "Ask its keeper",
    }
