"""Promises of the flow: every number is the one before it, less what was left out, whatever was found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import cast

from hypothesis import given, settings, strategies as st
from PIL import Image

from engine.data.index import index_data
from engine.data.split import split_index
from engine.records import PART_NAMES, DataIssue, DataIssueKind, Index, Part, Prediction, Sample, Split
from engine.report.build import with_files
from engine.report.participants.flow import COPIES, UNREADABLE, of_cases, of_files
from engine.report.records import Stage, Standing
from tests.engine.report.test_build import a_run, build, samples_of, some_cases

CLASSES = ("normal", "opacity")


def adds_up(stages: Sequence[Stage]) -> bool:
    """Each stage loses what it says, and the next one of the same images begins where it ended."""
    chained = all(
        following.entered == stage.result
        for stage, following in pairwise(stages)
        if following.name == stage.remaining
    )
    return chained and all(
        stage.entered - sum(stage.left.values()) == stage.result >= 0 and all(stage.left.values())
        for stage in stages
    )


@st.composite
def indexed(draw: st.DrawFn) -> tuple[Index, Split]:
    count = draw(st.integers(1, 12))
    labels = draw(st.lists(st.sampled_from([*CLASSES, "other", None]), min_size=count, max_size=count))
    samples = [
        Sample(path=Path(f"/films/{n}.png"), image_id=f"{n:064x}", label=label, patient_id=f"p{n // 2}")
        for n, label in enumerate(labels)
    ]
    names = st.lists(st.sampled_from([*(f"/films/{n}.png" for n in range(16)), "/films/x.dcm"]), max_size=4)
    kinds = st.sampled_from(
        [DataIssueKind.UNREADABLE, DataIssueKind.EXACT_DUPLICATE, DataIssueKind.LABEL_CONFLICT, DataIssueKind.SKIPPED]
    )  # fmt: skip
    issues = [
        DataIssue(kind=draw(kinds), message="", paths=tuple(map(Path, draw(names))))
        for _ in range(draw(st.integers(0, 5)))
    ]
    chosen = [one for one in samples if one.label in CLASSES and draw(st.booleans())]
    part_of = [draw(st.sampled_from(["train", "val", "test"])) for _ in chosen]
    parts = {
        name: tuple(one for one, part in zip(chosen, part_of, strict=True) if part == name)
        for name in ("train", "val", "test")
    }
    split = Split(**parts, classes=CLASSES, seed=0, method="")
    index = Index(
        dataset_id="0" * 12, name="films", root=Path("/films"), samples=tuple(samples), classes=CLASSES,
        issues=tuple(issues),
    )  # fmt: skip
    return index, split


@settings(max_examples=80, deadline=None)
@given(indexed(), st.sampled_from(["train", "val", "test", None]), st.data())
def test_every_number_of_the_flow_adds_up(
    found: tuple[Index, Split], part: str | None, data: st.DataObject
) -> None:
    index, split = found
    chosen = cast("Part | None", part)
    stages = of_files(index, split)
    assert adds_up(stages)
    assert stages[-1].result == len(split.train) + len(split.val) + len(split.test)
    run = a_run()
    members = [*split.part(chosen)] if chosen else [*split.train, *split.val, *split.test]
    cases = [
        Prediction(
            image_id=one.image_id, path=one.path, label=one.label, patient_id=one.patient_id, part="test",
            probabilities=(0.4, 0.6), predicted="opacity", entropy=0.0,
        )
        for one in members
        if data.draw(st.booleans())
    ]  # fmt: skip
    answered = [one for one in cases if data.draw(st.booleans())]
    standard = Standing(
        answers={one.image_id: "normal" for one in answered},
        without={
            one.image_id: data.draw(st.sampled_from(["unsure", "not read"]))
            for one in cases
            if one not in answered
        },
    )
    flow = of_cases(run, chosen, split, cases, {"readers": standard})
    if members:
        assert flow[0].name == f"images of the {PART_NAMES[chosen] + ' part' if chosen else 'all parts'}"
        assert flow[0].entered == len(members)
    assert adds_up(flow) and flow[-1].result == len(answered) and flow[-1].entered == len(cases)


def test_the_flow_of_real_files_counts_what_could_not_be_read_and_what_came_twice(tmp_path: Path) -> None:
    for number in range(16):
        path = tmp_path / "films" / CLASSES[number % 2] / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.effect_noise((32, 32), 20 + 9 * number).save(path)
    pictures = sorted((tmp_path / "films").rglob("*.png"))
    (pictures[0].parent / "again.png").write_bytes(pictures[0].read_bytes())
    (pictures[0].parent / "cut.png").write_bytes(pictures[0].read_bytes()[:60])
    index = index_data(tmp_path / "films", near_duplicates=False)
    first, second = of_files(index, split_index(index))
    assert first.left[COPIES] == 1 and first.left[UNREADABLE] == 1
    assert adds_up((first, second)) and first.result == len(index.samples)


def test_a_report_of_a_data_set_that_is_gone_has_the_flow_from_its_parts_on() -> None:
    run = a_run()
    cases = some_cases(run)
    split = Split(train=(), val=(), test=samples_of(cases), classes=run.classes, seed=0, method="")
    report = build(run, [*cases[1:], replace(cases[0], label=None)], split=split)
    assert with_files(report, None).participants == report.participants
    (part, by_labels, _) = report.participants.cases
    assert (part.entered, by_labels.result) == (40, 39) and adds_up(report.participants.cases)
