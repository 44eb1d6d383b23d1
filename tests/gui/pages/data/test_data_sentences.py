"""What the Data page says in odd situations, as text that a person has read (tests/snapshots.py)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from engine.data.split_choices import Choices
from engine.records import DataIssue, DataIssueKind, Index, Part, Sample
from gui.pages.data.overview import class_pictures, counts_table, issues, summary
from gui.pages.data.page import first_look, preview_split, show
from gui.web import markup
from gui.web.session import AppSession
from tests.snapshots import hold_against, lines_of_html, one_text

FOLDER = Path(__file__).parent / "snapshots"
TWO = ("normal", "opacity")


def samples(
    count: int,
    classes: Sequence[str | None] = TWO,
    *,
    named: int | None = None,
    parts: Sequence[Part | None] = (None,),
) -> tuple[Sample, ...]:
    """Two images a patient; the first `named` images name theirs (None: all of them)."""
    made = []
    for number in range(count):
        image_id = f"{number:064x}"
        known = named is None or number < named
        made.append(
            Sample(
                path=Path(f"/films/{number}.png"), label=classes[number // 2 % len(classes)], image_id=image_id,
                patient_id=f"P{number // 2}" if known else image_id, part=parts[number // 2 % len(parts)],
            )
        )  # fmt: skip
    return tuple(made)


def an_index(held: Sequence[Sample], found: Sequence[DataIssue] = ()) -> Index:
    classes = tuple(sorted({one.label for one in held if one.label is not None}))
    return Index(
        dataset_id="0123456789ab", name="films", root=Path("/films"), samples=tuple(held), classes=classes,
        issues=tuple(found),
    )  # fmt: skip


def picture(*_: object) -> markup.Picture:
    return markup.Picture(source="", caption="")


def lines_of(held: Sequence[Sample], choices: Choices | None = None) -> list[str]:
    index = an_index(held)
    table, remark, problem = preview_split(index, choices or Choices())
    return [
        *lines_of_html(summary(index)),
        *(" | ".join(row) for row in counts_table(index)),
        *(line for line in lines_of_html(class_pictures(index, picture)) if line != "cannot be shown"),
        *(" | ".join(row) for row in table),
        *lines_of_html(remark + problem),
    ]


def test_the_data_page_says_what_a_person_has_read(session: AppSession) -> None:
    parts: tuple[Part | None, ...] = ("train", "train", "train", "test", None)
    hold_against(
        FOLDER / "data sets.txt",
        one_text(
            {
                "two classes, patients named": lines_of(samples(40)),
                "no patient named": lines_of(samples(40, named=0)),
                "some patients named": lines_of(samples(40, named=11)),
                "one image": lines_of(samples(1)),
                "one class": lines_of(samples(10, ("normal",))),
                "one patient of a class": lines_of(
                    (*samples(20, ("normal",)), *samples(22, ("opacity",))[20:])
                ),
                "no label": lines_of(samples(10, (None,))),
                "some without a label": lines_of(samples(45, ("normal", "opacity", None))),
                "three classes": lines_of(samples(45, ("a", "b", "c"))),
                "parts that came, some images in none": lines_of(samples(200, parts=parts)),
                "parts that came, all of them": lines_of(samples(180, parts=("train", "val", "test"))),
                "a test part alone": lines_of(samples(40, parts=("test",))),
                "parts asked for that did not come": lines_of(samples(40), Choices(mode="given")),
                "parts that came set aside": lines_of(samples(200, parts=parts), Choices(mode="new", seed=3)),
                "no data set": lines_of_html(show(session, None)[0]),
                "a data set that is gone": lines_of_html(show(session, "ffffffffffff")[0]),
                "an empty workspace": lines_of_html(first_look(session, None)[1]),
            }
        ),
    )


def test_what_the_checks_found_reads_well_of_one_file_and_of_two(session: AppSession) -> None:
    def found(kind: DataIssueKind, count: int) -> list[str]:
        paths = tuple(Path(f"/films/{number}.png") for number in range(count))
        index = an_index(samples(4), [DataIssue(kind=kind, message="MESSAGE", paths=paths)])
        return [line for line in lines_of_html(issues(index, picture)) if line != "cannot be shown"][:1]

    said = {
        kind.value: [line for count in (0, 1, 2) for line in found(kind, count)] for kind in DataIssueKind
    }
    hold_against(
        FOLDER / "issues.txt",
        one_text({"nothing found": lines_of_html(issues(an_index(samples(4)), picture)), **said}),
    )
