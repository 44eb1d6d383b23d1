"""Which images of a foreign data set can test a run: labelled in its classes, and never seen by it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from engine.data import match_names
from engine.errors import DataError
from engine.language import count_of
from engine.records import PART_NAMES, PARTS, Run, Sample, Split


@dataclass(frozen=True, kw_only=True, slots=True)
class ExternalCases:
    """What a foreign data set gives.

    Attributes:
        samples: Images to test on, each with a class of the run as its label.
        same: Class of the run by the name that the foreign data use, where the two differ.
        left_out: How many images were left out, by the reason.
        remarks: Sentences about images that may not be as foreign as they should be.
    """

    samples: tuple[Sample, ...]
    same: Mapping[str, str]
    left_out: Mapping[str, int]
    remarks: tuple[str, ...]


def external_cases(
    run: Run,
    split: Split,
    samples: Sequence[Sample],
    *,
    same: Mapping[str, str],
    leave_out: Collection[str] = (),
) -> ExternalCases:
    """Take from a foreign data set what a run can be tested on; no label is dropped that nobody named.

    Args:
        run: With its classes.
        split: What it was trained, validated and tested on.
        samples: The foreign images.
        same: Class of the run by foreign name, as a person said; other spellings of a class are recognised.
        leave_out: Foreign names that a person said are none of the run's classes.

    Raises:
        DataError: A label means none of the classes and nobody said what becomes of it, or nothing is left.
    """
    samples = tuple(samples)  # once: each walk over a data set makes its records anew
    labels = Counter(sample.label for sample in samples if sample.label is not None)
    _refuse_unknown([*same, *leave_out], labels, "label of these data")
    _refuse_unknown(list(same.values()), run.classes, "class of this run")
    if both := [name for name in same if name in leave_out]:
        raise DataError(
            f"“{both[0]}” was said to be a class of this run, and to be left out",
            "Say one of the two",
            option=f"--same “{both[0]}={same[both[0]]}”, or --leave-out “{both[0]}”",
        )
    meant = {**match_names(labels, run.classes), **same}
    unclear = [name for name in labels if name not in meant and name not in leave_out]
    if unclear:
        names = ", ".join(f"“{name}” ({count_of(labels[name], 'image')})" for name in unclear)
        raise DataError(
            f"{names}: not among the classes of this run ({', '.join(run.classes)})",
            "Say which class it is, or leave it out",
            option=f"--same “{unclear[0]}=CLASS”, or --leave-out “{unclear[0]}”",
        )
    seen = {sample.image_id: part for part in PARTS for sample in split.part(part)}
    kept: list[Sample] = []
    left_out: Counter[str] = Counter()
    for sample in samples:
        if sample.label is None:
            left_out["no label"] += 1
        elif sample.label in leave_out:
            left_out[f"labelled “{sample.label}”, which is none of the classes"] += 1
        elif sample.image_id in seen:
            left_out[f"also in the {PART_NAMES[seen[sample.image_id]]} part of the run's own data"] += 1
        else:
            kept.append(replace(sample, label=meant[sample.label]))
    if not kept:
        reasons = "; ".join(f"{count:,}: {reason}" for reason, count in left_out.items())
        raise DataError(
            f"No image is left to test on{f' ({reasons})' if reasons else ': the data set is empty'}",
            "Choose labelled images that the run has not seen",
        )
    return ExternalCases(
        samples=tuple(kept),
        same={name: meant[name] for name in labels if name in meant and meant[name] != name},
        left_out=dict(left_out),
        remarks=_remarks(split, kept),
    )


def _refuse_unknown(names: Sequence[str], known: Collection[str], what: str) -> None:
    for name in names:
        if name not in known:
            raise DataError(f"“{name}” is no {what}", f"Choose among: {', '.join(known) or 'none'}")


def _remarks(split: Split, kept: Sequence[Sample]) -> tuple[str, ...]:
    own = {sample.patient_id for part in PARTS for sample in split.part(part)}
    shared = sum(sample.patient_id in own for sample in kept)
    if not shared:
        return ()
    return (
        f"{shared:,} of {len(kept):,} {'images names' if shared == 1 else 'images name'} a patient that the run's own "
        "data name too: if these are the same people, this is not external testing",
    )
