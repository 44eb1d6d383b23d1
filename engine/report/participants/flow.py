"""The flow of images (STARD 2015, doi:10.1136/bmj.h5527): every number is the one before it, less what was left out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from engine.data import patients_named
from engine.records import PART_NAMES, PARTS, DataIssueKind, Index, Part, Prediction, Run, Sample, Split
from engine.report.records import Stage, Standing

UNREADABLE = "could not be read"
COPIES = "copies of another file, byte for byte"
CONFLICT = "one image under several labels"
UNLABELLED = "without a label of one of the classes"
UNSPLIT = "left out of the split"


def of_files(index: Index, split: Split | None) -> tuple[Stage, ...]:
    """Follow files to images, and images to the parts of the split.

    Args:
        index: What was found.
        split: Of it; None where there is none.
    """
    samples = tuple(index.samples)  # once: each walk over a data set makes its records anew
    kept = {sample.path for sample in samples}
    left: dict[str, set[Path]] = {}
    told: set[Path] = set(kept)
    for kind, why in (
        (DataIssueKind.UNREADABLE, UNREADABLE),
        (DataIssueKind.LABEL_CONFLICT, CONFLICT),
        (DataIssueKind.EXACT_DUPLICATE, COPIES),
    ):
        paths = {path for issue in index.issues if issue.kind is kind for path in issue.paths} - told
        told |= paths
        if paths:
            left[why] = paths
    files = Stage(
        name="files of images found",
        entered=len(told),
        left={why: len(paths) for why, paths in left.items()},
        remaining="images indexed",
        result=len(kept),
        patients=patients_named(index.samples).count,
    )
    if split is None:
        return (files,)
    parted = {sample.image_id for part in PARTS for sample in split.part(part)}
    without = Counter(
        UNSPLIT if sample.label in split.classes else UNLABELLED
        for sample in samples
        if sample.image_id not in parted
    )
    indexed = {sample.image_id for sample in samples}
    return (
        files,
        Stage(
            name="images indexed",
            entered=len(indexed),
            left=dict(without),
            remaining="images in the parts of the split",
            result=len(indexed & parted),
            patients=patients_named([one for one in samples if one.image_id in parted]).count,
        ),
    )


def of_cases(
    run: Run,
    part: Part | None,
    split: Split | None,
    cases: Sequence[Prediction],
    standards: Mapping[str, Standing],
) -> tuple[Stage, ...]:
    """Follow the images of the report's part to those that each reference standard gives a class.

    Args:
        run: Whose report it is.
        part: Of the split; None means all that were predicted.
        split: None where none is known.
        cases: That were predicted.
        standards: By name.
    """
    where = "supplied predictions" if run.supplied else f"{PART_NAMES[part]} part" if part else "all parts"
    stages = []
    parts: tuple[Part, ...] = (part,) if part else PARTS
    predicted = {each.image_id for each in cases}
    members: dict[str, Sample] = {
        one.image_id: one for each in parts for one in (split.part(each) if split else ())
    }
    if members and predicted <= members.keys():
        missing = len(members) - len(predicted)
        stages.append(
            Stage(
                name=f"images of the {where}",
                entered=len(members),
                left={"without a prediction": missing} if missing else {},
                remaining="images with a result of the index test",
                result=len(predicted),
                patients=patients_named(cases).count,
            )
        )
    for name, standard in standards.items():
        analysed = [each for each in cases if each.image_id in standard.answers]
        stages.append(
            Stage(
                name=f"images with a result of the index test, against the {name}",
                entered=len(cases),
                left=dict(standard.excluded),
                remaining=f"images analysed against the {name}",
                result=len(analysed),
                patients=patients_named(analysed).count,
            )
        )
    return tuple(stages)
