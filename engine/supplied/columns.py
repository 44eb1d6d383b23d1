"""Which columns of a table hold whose scores: by the names of the classes in them, as a person said, or not at all.

What is not plain is asked, never guessed: an error names the columns there are, and how to say which is meant.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from engine.data import Table, match_names, order_classes
from engine.errors import DataError
from engine.supplied.naming import ImageNames
from engine.supplied.scores import are_numbers

IMAGE = "image"
"""What a person calls the column that names the images: `--column image=NAME`."""
COLUMNS = "Column of each class"
NAMES = "Names of classes in the file"
"""The page's fields for `--column` and `--same`."""

_SCORE = (
    r"(?:p|probs?|proba|probability|probabilities|scores?|conf|confidence|logits?|softmax|sigmoid|preds?|prediction"
    r"|output|risk)"
)
_DECORATED = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"{_SCORE}\s*[(\[{{]\s*(.+?)\s*[)\]}}]",  # p(pneumonia)
        rf"{_SCORE}(?:[\s_.:-]+(?:of|for))?[\s_.:-]+(.+)",  # prob_pneumonia, probability of pneumonia
        rf"(.+?)[\s_.:-]+{_SCORE}",  # pneumonia_score
    )
)
_ALONE = re.compile(rf"(?:(?:ai|model|algorithm|abnormality|malignancy)[\s_.:-]*)?{_SCORE}", re.IGNORECASE)
_PERCENT = re.compile(r"\s*[(\[]?\s*(?:%|percent|pct)\s*[)\]]?\s*$|[\s_]+(?:percent|pct)$", re.IGNORECASE)
LOOKED_AT = 400  # rows, to tell the column that names images


@dataclass(frozen=True, kw_only=True, slots=True)
class ScoreColumns:
    """The columns that scores are read from.

    Attributes:
        classes: All classes of the model's answer.
        columns: Of the table.
        of: The class of each column; several columns of one class add up.
        extra: Columns named like scores, of none of the classes.
        unread: Columns of numbers that are not read.
        said: How they were told, as clauses.
    """

    classes: tuple[str, ...]
    columns: tuple[str, ...]
    of: tuple[str, ...]
    extra: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()
    said: tuple[str, ...] = ()

    @property
    def single(self) -> bool:
        """Whether one of two classes alone has a score."""
        return len(self.classes) == 2 and len(set(self.of)) == 1


def image_column(table: Table, names: ImageNames, asked: str | None) -> str:
    """Return the column that names the images: as a person said, or that by which most of them are found.

    Raises:
        DataError: There is none.
    """
    if asked is not None:
        return _column(table, asked)
    step = max(1, len(table.lines) // LOOKED_AT)
    found = {name: _images_found(table.column(name)[::step], names) for name in table.header}
    best = max(found, key=lambda name: found[name])  # max takes the first of equals
    if not found[best]:
        raise DataError(
            f"No column of {table.name} names an image of the data set; it has: {_listed(table.header)}",
            "Name images by path, file name or sha256 of the file; say which column does so, or choose the data set "
            "that the predictions are of",
            option="--column image=NAME",
            fields=(COLUMNS,),
        )
    return best


def _images_found(cells: Sequence[str], names: ImageNames) -> int:
    meant = [names.meant(cell).images for cell in cells]
    return len({images[0].image_id for images in meant if len(images) == 1})


def score_columns(
    table: Table,
    image: str,
    classes: Sequence[str],
    *,
    positive: str | None,
    asked: Mapping[str, str],
    same: Mapping[str, str],
) -> ScoreColumns:
    """Tell which columns hold the scores.

    Args:
        table: As it is in its file.
        image: The column that names the images.
        classes: Of the data set; none where it has no labels.
        positive: The class that is the finding, if a person said so.
        asked: Column by class, as a person said: then no other column is read.
        same: Class by the name that the columns use, where spelling does not say it.

    Raises:
        DataError: A class has no column, or two; or it is not clear which are meant.
    """
    free = [name for name in table.header if name != image]
    numeric = [name for name in free if are_numbers(table.column(name))]
    if asked:
        columns = {name: _column(table, column) for name, column in asked.items()}
        known = tuple(classes) or _named(tuple(columns), positive)
        _refuse_unknown(list(columns), known)
        _refuse_missing(list(columns), known, table, free)
        unread = tuple(name for name in numeric if name not in columns.values())
        return ScoreColumns(classes=known, columns=tuple(columns.values()), of=tuple(columns), unread=unread)
    if len(classes) < 2:
        classes = _with_named(numeric, classes, same, positive)
    _refuse_unknown(list(same.values()), classes)
    found, extra = _found(numeric, classes, same)
    _refuse_unheard(same, numeric)
    if not found and len(classes) == 2:
        return _score_alone(table, numeric, tuple(classes), positive)
    pairs = [(column, name) for name in classes for column in found.get(name, ())]
    columns_read = tuple(column for column, _ in pairs)
    if len(found) < len(classes):
        if extra:
            raise _extra(extra, classes)
        _refuse_missing(list(found), classes, table, free)
    return ScoreColumns(
        classes=tuple(classes),
        columns=columns_read,
        of=tuple(name for _, name in pairs),
        extra=tuple(extra),
        unread=tuple(name for name in numeric if name not in columns_read),
        said=tuple(f"column “{column}” is taken as {name}" for column, name in pairs if column != name),
    )


def class_in(column: str) -> tuple[str, bool]:
    """Return the class that a column's name speaks of, and whether the name says that it holds scores."""
    name = _PERCENT.sub("", column.strip()) or column.strip()
    for pattern in _DECORATED:
        if match := pattern.fullmatch(name):
            return match[1].strip(), True
    return name, False


def _found(
    numeric: Sequence[str], classes: Sequence[str], same: Mapping[str, str]
) -> tuple[dict[str, list[str]], list[str]]:
    """Return the columns of each class that has any, and those named like scores of other classes."""
    by_class: dict[str, list[tuple[bool, str]]] = defaultdict(list)
    added: dict[str, list[str]] = defaultdict(list)
    extra = []
    for column in numeric:
        name, decorated = class_in(column)
        if (meant := same.get(column) or same.get(name)) is not None:
            added[meant].append(column)
            continue
        matched = match_names([column, name], classes)
        if (meant := matched.get(column) or matched.get(name)) is not None:
            by_class[meant].append((decorated, column))
        elif decorated:
            extra.append(column)
    found: dict[str, list[str]] = {}
    for name in classes:
        of = by_class[name]
        # A label may stand in a column of the class's bare name beside the column of its score.
        likely = [column for decorated, column in of if decorated] or [column for _, column in of]
        if len(likely) > 1:
            raise DataError(
                f"Several columns may hold the score of {name}: {', '.join(likely)}",
                "Say which does",
                option=f"--column “{name}=NAME”, for each class",
                fields=(COLUMNS,),
            )
        if likely + added[name]:
            found[name] = likely + added[name]
    return found, extra


def _with_named(
    numeric: Sequence[str], classes: Sequence[str], same: Mapping[str, str], positive: str | None
) -> tuple[str, ...]:
    """Return the classes of a data set without labels of two kinds: those that columns of scores are named by."""
    decorated = [name for name, says in map(class_in, numeric) if says and name not in same]
    known = match_names(decorated, classes)
    return _named((*classes, *same.values(), *(name for name in decorated if name not in known)), positive)


def _named(names: Sequence[str], positive: str | None) -> tuple[str, ...]:
    distinct = list(dict.fromkeys(names)) or ([positive] if positive else [])
    if len(distinct) == 1:
        distinct.append(f"not {distinct[0]}")
    if not distinct:
        raise DataError(
            "Neither the labels of the data set nor the names of the columns say what the classes are",
            "Say which column is the score of which class",
            option="--column CLASS=NAME",
            fields=(COLUMNS,),
        )
    return order_classes(distinct)


def _score_alone(
    table: Table, numeric: Sequence[str], classes: tuple[str, ...], positive: str | None
) -> ScoreColumns:
    """Take the one column that is called a score as that of the finding."""
    called = [name for name in numeric if _ALONE.fullmatch(_PERCENT.sub("", name.strip()))]
    finding = positive if positive in classes else classes[-1]
    if not called:
        for name in table.header:
            if name not in numeric and class_in(name)[0] in match_names([class_in(name)[0]], classes):
                raise DataError(
                    f"Column “{name}” of {table.name} has the name of a class, and most of its cells are not numbers",
                    "Write scores as numbers, or say which column holds them",
                    option=f"--column “{finding}=NAME”",
                    fields=(COLUMNS,),
                )
    if len(called) != 1:
        which = (
            f"several columns may be: {', '.join(called)}" if called else f"it has: {_listed(table.header)}"
        )
        raise DataError(
            f"It is not clear which column of {table.name} holds the score of {finding}; {which}",
            "Say which does",
            option=f"--column “{finding}=NAME”",
            fields=(COLUMNS,),
        )
    return ScoreColumns(
        classes=classes,
        columns=(called[0],),
        of=(finding,),
        unread=tuple(name for name in numeric if name != called[0]),
        said=(f"column “{called[0]}” is taken as the score of {finding}",),
    )


def _column(table: Table, name: str) -> str:
    if name not in table.header:
        raise DataError(
            f"{table.name} has no column “{name}”; it has: {_listed(table.header)}", "Choose one of these"
        )
    return name


def _refuse_unknown(names: Sequence[str], classes: Sequence[str]) -> None:
    for name in names:
        if name not in classes:
            raise DataError(
                f"“{name}” is no class of the data set", f"Choose among: {', '.join(classes) or 'none'}"
            )


def _refuse_unheard(same: Mapping[str, str], numeric: Sequence[str]) -> None:
    heard = {*numeric, *(class_in(column)[0] for column in numeric)}
    for name in same:
        if name not in heard:
            raise DataError(
                f"There is no column of numbers named “{name}”",
                f"Choose among: {', '.join(numeric) or 'none'}",
            )


def _refuse_missing(
    found: Sequence[str], classes: Sequence[str], table: Table, others: Sequence[str]
) -> None:
    missing = [name for name in classes if name not in found]
    if not missing or (len(classes) == 2 and found):
        return  # of two classes the score of one says that of the other
    raise DataError(
        f"{table.name} has no column for {_quoted(missing)} of the classes {', '.join(classes)}; its other columns "
        f"are: {_listed(others)}",
        "Say the name of each class in the file, or which column is its score",
        option="--same NAME=CLASS, or --column CLASS=NAME",
        fields=(NAMES, COLUMNS),
    )


def _extra(extra: Sequence[str], classes: Sequence[str]) -> DataError:
    verb = "speaks of no class" if len(extra) == 1 else "speak of no classes"
    return DataError(
        f"{_quoted(extra)} {verb} of the data set ({', '.join(classes)})",
        "Say which class each means, and scores of one class add up; or name the column of each class, and no other is "
        "read",
        option="--same NAME=CLASS, or --column CLASS=NAME",
        fields=(NAMES, COLUMNS),
    )


def _quoted(names: Sequence[str]) -> str:
    return ", ".join(f"“{name}”" for name in names)


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:40]) + (", …" if len(names) > 40 else "")
