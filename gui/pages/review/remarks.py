"""What is said of an image beside it, before it is judged; and of a queue that hands out none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path

from engine.data import Detail, detail_of, load_split
from engine.errors import EngineError, RunError
from engine.language import _, isolated, language, ngettext, number
from engine.recipes import load_recipe
from engine.records import ELSEWHERE, Prediction, Uncertainty, is_unlike
from engine.report import operating_words, passport_line, why_off
from engine.retelling import retold
from engine.runs import load_distances, load_run, passport_of, sizes_of_run
from gui.pages.review.reading_session import Reading


def remarks_on(folder: Path, case: Prediction) -> str | None:
    """Return what must be known of a case before it is judged; None where there is nothing."""
    said = [size_remark(folder, case.image_id), unlike_remark(folder, case)]
    return " ".join(one for one in said if one is not None) or None


def unlike_remark(folder: Path, case: Prediction) -> str | None:
    """Return that an image differs from those its run was trained with; None where it does not, or is not known."""
    distance = _distances(folder, _stamp(folder / "distances.npz")).get(case.image_id)
    if not is_unlike(distance):
        return None
    from engine.uncertainty import image_unlike

    return retold(f"{image_unlike(conformal=bool(case.conformal_set))}.")


@lru_cache(maxsize=8)
def _distances(folder: Path, stamp: int) -> Mapping[str, float]:
    """Read a run's distances once; `stamp` makes a changed file be read anew."""
    try:
        return load_distances(folder)
    except EngineError:  # whoever needs this file says what is wrong with it; the image is read all the same
        return {}


def size_remark(folder: Path, image_id: str) -> str | None:
    """Return that an image is far smaller than what its run was trained on; None where it is not, or not known."""
    stamps = tuple(_stamp(folder / name) for name in ("split.csv", "sizes.json"))
    known = _known(folder, stamps)
    if known is None:
        return None
    detail, sizes = known
    size = sizes.get(image_id)
    return retold(f"{detail.of_one(size)}.") if size is not None and detail.lacks(size) else None


def passport_remark(folder: Path, method: str | None, *, guest: bool = False) -> dict[str, str]:
    """Return what a run's passport says of its maps, and why they are off until the reader switches them on.

    Args:
        folder: The run's.
        method: Of the map that is shown; None where there is none.
        guest: Whether nobody who reads it could make a passport.

    Returns:
        "passport": a line; "map_off": a sentence; empty where there is nothing to say.
    """
    if method is None:
        return {"passport": "", "map_off": ""}
    stamps = tuple(_stamp(folder / name) for name in ("passport.json", "maps.json"))
    line, why, made = _passport(folder, method, stamps, language())
    return {"passport": line if made or not guest else "", "map_off": why}


@lru_cache(maxsize=64)
def _passport(folder: Path, method: str, stamps: tuple[int, ...], code: str) -> tuple[str, str, bool]:
    """Say in a language what a run's passport says; `stamps` (the files' times) make a new one be read."""
    passport, why_not = passport_of(folder, method)
    if passport is None:
        return f"{retold(why_not)}.", "", False
    return passport_line(passport), why_off(passport), True


def _stamp(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


@lru_cache(maxsize=8)
def _known(folder: Path, stamps: tuple[int, ...]) -> tuple[Detail, Mapping[str, tuple[int, int]]] | None:
    """Read a run's sizes once; `stamps` (the files' times) make changed ones be read anew."""
    try:
        image_size = load_recipe(folder / "recipe.json").image_size
        return detail_of(image_size, load_split(folder / "split.csv").trained_on), sizes_of_run(folder)
    except (
        EngineError
    ):  # whoever needs these files says what is wrong with them; the image is read all the same
        return None


def why_none(reading: Reading, *, done: bool) -> str:
    """Say why a queue hands out no case."""
    told = {"where": where_words(reading.part), "reader": isolated(reading.reader)}
    if done:
        said = ngettext(
            "{reader} has read the only case of {where}.",
            "{reader} has read all {count} cases of {where}.",
            reading.total,
        )
        return said.format(count=number(reading.total), **told)
    if not reading.count:
        return _("This queue has no case of {where}.").format(**told)
    said = ngettext(
        "This was the last case of this queue ({count} case of {where}).",
        "This was the last case of this queue ({count} cases of {where}).",
        reading.count,
    )
    return said.format(count=number(reading.count), **told)


def where_words(part: str | None) -> str:
    """Name a part of the data, the images from elsewhere, or all of them, within a sentence."""
    named = {
        "train": _("the training part"),
        "val": _("the validation part"),
        "test": _("the test part"),
        ELSEWHERE: _("the images from elsewhere"),
    }
    return named.get(part or "", _("all parts"))


def why_predicted(classes: Sequence[str], case: Prediction) -> str | None:
    """Say why a class was predicted that is not the most probable: of more than two, balancing counts."""
    most_probable = classes[max(range(len(classes)), key=case.probabilities.__getitem__)]
    if most_probable == case.predicted:
        return None
    return _(
        "Predicted with the classes balanced as in training; at the class frequencies of these data, "
        "{name} is more probable"
    ).format(name=isolated(most_probable))


@lru_cache(maxsize=64)
def validated(folder: Path, code: str) -> str:
    """Say in a language how the operating point did on validation data, where the run's folder tells it."""
    try:
        return operating_words(load_run(folder))
    except RunError:
        return ""  # a shared copy holds cases, not the run


def passes(dropout: Uncertainty) -> str:
    """Say what the passes with dropout gave."""
    mean = "" if dropout.mean is None else _("{share}%").format(share=number(100 * dropout.mean, 1)) + " "
    return _("{mean}± {deviation}% in {passes} passes; mutual information {information}").format(
        mean=mean,
        deviation=number(100 * dropout.variance**0.5, 1),
        passes=number(dropout.passes),
        information=number(dropout.mutual_information, 3),
    )
