"""What is printed of a study is what its scripted readers did, and the same in every file."""

from __future__ import annotations

import csv
import html
import json
import math
import re
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from datetime import datetime, timedelta, tzinfo
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from jsonschema import Draft202012Validator

from engine.errors import ReportError, ReviewError
from engine.language import speaking
from engine.reading import DESIGNS, Endpoint, Protocol, Store, open_store, protocol_from
from engine.reading.ledger import chain
from engine.reading.ledger.chain import digest
from engine.reading.sittings import Shown
from engine.reading.studies.planning.protocol import as_stored
from engine.recipes import RECIPES
from engine.report import (
    STUDY_FORMATS,
    StudyReport,
    build_report,
    export_study,
    figure,
    interval,
    report_study,
    study_document,
    study_page,
    with_minus,
)
from engine.report.operating import reader_points
from engine.report.study.building import build_study_report
from engine.report.study.exchange import imrmc_file, long_table, r_script
from engine.report.study.exports import study_schema
from engine.report.study.page import study_figures
from engine.report.study.printed.over_readers import compared_table
from engine.statistics import mrmc_analysis
from engine.workspace import Workspace, open_workspace
from gui.cli.main import main
from tests.engine.reading.test_store import RUN
from tests.engine.report.paper.test_pdf import squeezed, words_of
from tests.engine.report.study.scripted import (
    CASES,
    MACHINE_WRONG,
    POSITIVES,
    Script,
    films,
    label_of,
    other,
    protocol,
    read_all,
    script,
    scripted_store,
)

NAME = "Scripted verdicts of known error rate"
TRAINED = replace(RUN, recipe=RECIPES["default"])
LATER = {"primary", "same_patient"}  # fields that the first release with studies did not have


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return open_workspace(tmp_path / "workspace")


@pytest.fixture
def store(workspace: Workspace) -> Iterator[Store]:
    with open_store(workspace.database) as opened:
        yield opened


@pytest.fixture(scope="module")
def read_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace in which two scripts have read all of a study."""
    made = open_workspace(tmp_path_factory.mktemp("study") / "workspace")
    with open_store(made.database) as opened:
        reported(made, opened)
    return made.root


@pytest.fixture
def read(read_once: Path, tmp_path: Path) -> Iterator[tuple[Workspace, Store]]:
    """A copy of it."""
    copied = open_workspace(Path(shutil.copytree(read_once, tmp_path / "read")))
    with open_store(copied.database) as opened:
        yield copied, opened


def reported(
    workspace: Workspace,
    store: Store,
    *,
    readers: int = 2,
    cases: int = CASES,
    labelled: bool = True,
    scripts: Sequence[Script] = (),
    **changes: object,
) -> StudyReport:
    names = scripted_store(store, readers, cases=cases, labelled=labelled)
    study_id = store.studies.create(protocol(names, **changes)).study_id
    for place, name in enumerate(names):
        read_all(store, study_id, name, scripts[place] if scripts else script(place))
    return report_study(workspace, store, study_id)


def test_each_reader_errs_as_often_as_its_script_does(read: tuple[Workspace, Store]) -> None:
    workspace, store = read
    report = report_study(workspace, store, NAME)
    for place in range(2):
        wrong = [number for number in range(CASES) if number % 10 == place]
        missed = sum(number < POSITIVES for number in wrong)
        blind = [line for line in report.lines if line.mode == "blind"][place]
        assert blind.answers == CASES and blind.seconds[0] == 6.0
        assert blind.figures["sensitivity"].value == pytest.approx(1 - missed / POSITIVES)
        assert blind.figures["specificity"].value == pytest.approx(1 - (6 - missed) / (CASES - POSITIVES))
        assert blind.figures["accuracy"].value == pytest.approx(0.9)
        assert blind.figures["accuracy"].patients == CASES // 2
        assert (blind.sure_right, blind.sure_wrong) == (4.0, 2.0)


def assisted_answer(number: int, place: int) -> str:
    """What a scripted reader says with the model."""
    if number % 3:
        return other(label_of(number)) if number in MACHINE_WRONG else label_of(number)
    return other(label_of(number)) if number % 10 == place else label_of(number)


def test_helped_and_harmed_are_what_the_scripts_make_of_advice(read: tuple[Workspace, Store]) -> None:
    workspace, store = read
    right, wrong = report_study(workspace, store, NAME).advice
    counted = {"right": [0, 0], "wrong": [0, 0]}
    for place in range(2):
        for number in range(CASES):
            before = number % 10 != place
            after = assisted_answer(number, place) == label_of(number)
            kind = "wrong" if number in MACHINE_WRONG else "right"
            counted[kind][0] += not before and after
            counted[kind][1] += before and not after
    assert [right.helped, right.harmed] == counted["right"] and right.harmed == 0 < right.helped
    assert [wrong.helped, wrong.harmed] == counted["wrong"] and wrong.helped == 0 < wrong.harmed
    assert right.readings == 2 * (CASES - len(MACHINE_WRONG)) and wrong.readings == 2 * len(MACHINE_WRONG)
    assert 0 < wrong.harmed_share.low < wrong.harmed_share.value < wrong.harmed_share.high < 1
    assert wrong.gain.value == pytest.approx(-wrong.harmed / wrong.readings)


def test_all_readers_are_compared_as_the_analysis_of_their_ratings_says(
    read: tuple[Workspace, Store],
) -> None:
    workspace, store = read
    report = report_study(workspace, store, NAME)
    (area, sensitivity, specificity) = report.compared
    assert [area.figure, sensitivity.figure, specificity.figure] == ["AUC", "sensitivity", "specificity"]
    truth = np.array([number < POSITIVES for number in range(CASES)])
    ratings = np.empty((2, 2, CASES))
    for place in range(2):
        for number in range(CASES):
            sure = 3.0 if number % 10 == place else 5.0
            blind = other(label_of(number)) if number % 10 == place else label_of(number)
            for row, said in enumerate((assisted_answer(number, place), blind)):
                ratings[row, place, number] = sure if said == "pneumonia" else -sure
    wanted = mrmc_analysis(truth, ratings, ("assisted", "blind"), ("R1", "R2"), groups=np.arange(CASES) // 2)
    assert area.analysis is not None
    gap, beside = (each.analyses[0].contrasts[0] for each in (area.analysis, wanted))
    assert gap.difference.value == pytest.approx(beside.difference.value)
    assert (gap.error, gap.p_value) == pytest.approx((beside.error, beside.p_value))
    assert area.analysis.crossed == CASES
    assert area.margins[0].margin == 0.05  # the endpoint names the AUC, and no other figure
    assert sensitivity.margins == specificity.margins == ()
    assert "smallest difference in AUC" in area.seen
    parts = replace(area.analysis.components, reader=-6.94e-18, cov1=0.0536)  # what rounding leaves of 0 is 0
    rounded = replace(area, analysis=replace(area.analysis, components=parts))
    printed = compared_table(replace(report, compared=(rounded,)), 0)
    assert printed is not None and "reader 0;" in " ".join(printed.notes)
    assert "Cov1 .0536;" in " ".join(printed.notes)


def test_a_report_says_what_it_is_and_is_final_only_when_all_is_done(read: tuple[Workspace, Store]) -> None:
    workspace, store = read
    report = report_study(workspace, store, NAME)
    assert report.line == "blind then assisted, fully crossed, 2 readers × 60 cases, internal testing"
    assert report.banner.startswith("Readings made by a program: Script 1, Script 2 are scripts.")
    assert not report.final and report.unfinished == ("the study is not closed",)
    store.studies.close(report.name)
    assert report_study(workspace, store, report.name).final
    assert report.facts["Hash of the protocol"] == store.studies.get(report.name).protocol_hash
    assert report.facts["Primary endpoint"] == "difference in AUC, assisted minus blind, to be above 0"
    assert report.facts["The endpoint in words"] == "readers are better with the model"
    assert (
        report.planned is not None
        and "With 2 readers and 24 positive and 36 negative cases" in report.planned.sentence
    )


def test_the_primary_endpoint_comes_first_with_its_difference_and_interval(
    read: tuple[Workspace, Store],
) -> None:
    workspace, store = read
    report = report_study(workspace, store, NAME)
    area = report.compared[0].analysis
    assert area is not None and report.primary is not None
    gap = area.analyses[0].contrasts[0]  # for readers and cases like these
    assert report.primary.estimate == gap.difference and report.primary.p_value == gap.p_value
    assert report.primary.shown == (gap.difference.low > 0)
    page = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", study_page(report)))
    assert (
        page.index("Primary endpoint: difference in AUC")
        < page.index(with_minus(report.primary.sentence))
        < page.index("1 Protocol")
    )


def test_non_inferiority_is_of_the_endpoint_and_its_margin_alone(workspace: Workspace, store: Store) -> None:
    aim = Endpoint(figure="specificity", aim="not inferior")
    report = reported(workspace, store, primary=aim, margin=0.2)
    found = next(one for one in report.compared if one.figure == "specificity")
    assert found.analysis is not None and [len(one.margins) for one in report.compared] == [0, 0, 1]
    gap = found.analysis.analyses[0].contrasts[0].difference
    assert report.primary is not None and report.primary.shown == (gap.low > -0.2)
    assert "With a margin of .2, assisted is" in report.primary.sentence
    assert report.planned is not None and report.power is not None and report.planned.figure == "specificity"
    assert 0 < report.power.achieved_these <= report.power.achieved


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"primary": Endpoint(figure="AUC"), "certainty": None}, "AUC needs ratings"),
        ({"primary": Endpoint(figure="sensitivity", compares="concurrent minus blind")}, "cannot have the endpoint"),
        ({"primary": Endpoint(figure="sensitivity", aim="not inferior"), "margin": None}, "needs a margin"),
        ({"primary": Endpoint(figure="sensitivity"), "design": "assisted"}, "nothing to be better than"),
        ({"primary": Endpoint(figure="AUC", compares="assisted"), "design": "blind"}, "cannot have the endpoint"),
    ],
)  # fmt: skip
def test_an_endpoint_that_the_study_cannot_give_is_refused_in_a_sentence(
    store: Store, changes: dict[str, object], said: str
) -> None:
    with pytest.raises(ReviewError, match=said) as raised:
        store.studies.create(protocol(scripted_store(store), **changes))
    assert raised.value.remedy


def test_a_report_is_not_final_without_an_endpoint_and_an_operating_point_that_were_fixed_before(
    read: tuple[Workspace, Store],
) -> None:
    workspace, store = read
    study_id = store.studies.get(NAME).study_id
    store.studies.close(study_id)
    study, answers = store.studies.get(study_id), store.studies.answers(study_id)
    whole = report_study(workspace, store, study_id)
    seen, people = store.studies.exposures(study_id), store.people()
    again = partial(build_study_report, told=films(), answers=answers, certificates=seen, people=people)
    run = store.run(RUN.run_id)
    assert whole.final and again(study, run=run).final and study.first_reading is not None
    late = replace(run, created=study.first_reading + timedelta(seconds=1))
    assert again(study, run=late).unfinished == (
        "the model's operating point was not fixed before the first reading",
    )
    words_alone = replace(study, protocol=replace(study.protocol, primary=None))
    assert again(words_alone, run=run).unfinished == (
        "the protocol names no primary endpoint that can be computed",
    )
    assert "<strong>Final</strong>" in study_page(whole) and "<strong>Final" not in study_page(
        again(study, run=late)
    )


def test_figures_show_each_reader_without_and_with_the_model_and_all_together(
    read: tuple[Workspace, Store],
) -> None:
    workspace, store = read
    report = report_study(workspace, store, NAME)
    drawn = study_figures(report)
    assert list(drawn) == [
        "readers",
        *(f"differences in {one.figure}" for one in report.compared),
        "learning",
    ]
    blind = report.lines[0].figures
    assert f"R1: without the model sensitivity {figure(blind['sensitivity'].value)}" in drawn["readers"]
    assert "the model alone" in drawn["readers"] and drawn["readers"].count(">R2<") == 1
    assert "all readers" in drawn["differences in AUC"]
    page = study_page(report)
    assert all(svg in page for svg in drawn.values())


def test_a_protocol_without_what_came_later_has_the_hash_that_it_had_before() -> None:
    plain = Protocol(name="Pilot", classes=("a", "b"), readers=("r",), dataset_id="d")
    assert not as_stored(plain).keys() & LATER
    assert plain.hash == digest({name: told for name, told in asdict(plain).items() if name not in LATER})
    chosen = replace(plain, primary=Endpoint(figure="sensitivity"))
    assert chosen.hash != plain.hash and protocol_from(json.loads(json.dumps(as_stored(chosen)))) == chosen


def test_a_change_of_the_protocol_is_printed_with_its_reason_and_no_report_is_final_after_it(
    read: tuple[Workspace, Store],
) -> None:
    workspace, store = read
    report = report_study(workspace, store, NAME)
    study = store.studies.get(report.name)
    store.studies.change(study.study_id, replace(study.protocol, margin=0.1), "the margin was too narrow")
    store.studies.close(study.study_id)
    after = report_study(workspace, store, report.name)
    assert after.unfinished == ("the protocol was changed after it was fixed",)
    assert "margin from “.05” to “.1”. Reason: the margin was too narrow" in after.deviations[0]
    assert after.deviations[0] in study_page(after)


def test_a_clock_that_was_set_back_while_a_study_was_read_is_a_deviation_of_it(
    read: tuple[Workspace, Store], monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace, store = read
    before, name = report_study(workspace, store, NAME), "Script 1"

    class Slow(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:
            return datetime.now(tz) - timedelta(hours=2)

    monkeypatch.setattr(chain, "datetime", Slow)
    row = store.head().seq + 1
    store.studies.begin(store.studies.get(NAME).study_id, name)
    after = report_study(workspace, store, NAME)
    assert before.deviations == ()
    (told,) = after.deviations
    assert told.startswith("The computer's clock was set back 1 time while the study was read, by 2.0 hours")
    assert f"(at row {row} of the chain of evidence)" in told and told in html.unescape(study_page(after))
    for code, words in (("fa", "ساعت رایانه"), ("he", "שעון המחשב")):
        with speaking(code):
            assert words in study_page(after)
    store.studies.close(store.studies.get(NAME).study_id)
    monkeypatch.undo()
    store.begin_sitting(RUN.run_id, name)
    with monkeypatch.context() as patch:
        patch.setattr(chain, "datetime", Slow)
        store.begin_sitting(RUN.run_id, name)
    assert report_study(workspace, store, NAME).deviations == (told,), "what came after its end is not of it"


def test_the_flow_adds_up_and_no_blind_answer_followed_a_score(read: tuple[Workspace, Store]) -> None:
    workspace, store = read
    report = report_study(workspace, store, NAME)
    assert report.flow[0].startswith("60 cases of 30 patients: 60 with a label")
    assert report.flow[1] == "By these labels 24 are pneumonia and 36 are not."
    for line in report.flow[2:]:
        assigned, missing, left_out, unsure, named = map(int, re.findall(r"\d+", line))
        assert assigned == 120 == missing + left_out + unsure + named
    assert report.certificate[0].startswith(
        "No blind answer followed a score, map or label: 120 of 120, by what"
    )


def test_an_answer_that_followed_the_score_is_left_out_and_counted(
    workspace: Workspace, store: Store
) -> None:
    names = scripted_store(store)
    study_id = store.studies.create(protocol(names)).study_id
    sitting = store.begin_sitting(RUN.run_id, names[0])
    seen = [each for each in store.studies.upcoming(study_id, names[0], k=6) if each.arm == "blind"]
    for task in seen:
        store.expose(sitting, Shown(image_id=task.image_id, prediction=True))
    for place, name in enumerate(names):
        read_all(store, study_id, name, script(place))
    report = report_study(workspace, store, study_id)
    blind = next(one for one in report.excluded if one.arm == "blind")
    assert (blind.answers, blind.left_out, blind.seen) == (120, 3, {"prediction": 3})
    assert "117 of 120 answers without the model followed no score, map or label" in report.certificate[0]
    assert "3 followed the model's answer in 3, and are left out" in report.certificate[0]
    assert next(line for line in report.lines if line.mode == "blind").answers == 57
    assert "not fully crossed" in report.line
    area = report.compared[0].analysis
    assert area is not None and area.crossed == 57 and "Not fully crossed: 57 of 60" in area.notes[0]


def unsure_on(numbers: set[int]) -> Script:
    plain = script(0)

    def read(number: int, task: object) -> tuple[str, str | None, float | None]:
        return ("unsure", None, None) if number in numbers else plain(number, task)  # type: ignore[arg-type]

    return read


def test_what_is_indeterminate_is_printed_three_ways(workspace: Workspace, store: Store) -> None:
    report = reported(workspace, store, scripts=[unsure_on({4, 5, 40}), script(1)], certainty=None)
    assert [line.indeterminate for line in report.lines] == [3, 3, 0, 0]
    blind = {
        (one.figure, one.rule): one.analysis.figures[1][0]
        for one in report.three_ways
        if one.analysis is not None
    }
    # R1 errs on 0, 10 and 20 of 24 positives, and is unsure of two of them.
    assert blind["sensitivity", "excluded"] == pytest.approx(19 / 22)
    assert blind["sensitivity", "positive"] == pytest.approx(21 / 24)
    assert blind["sensitivity", "negative"] == pytest.approx(19 / 24)
    assert [one.figure for one in report.compared] == ["sensitivity", "specificity"]


@pytest.mark.parametrize("design", [name for name in DESIGNS if name not in ("annotation", "wash-out")])
@pytest.mark.parametrize("readers", [1, 2])
def test_every_design_has_a_page(workspace: Workspace, store: Store, design: str, readers: int) -> None:
    report = reported(workspace, store, readers=readers, cases=30, design=design)
    page = study_page(report)
    assert set(report.readings.modes) <= {"blind", "assisted", "concurrent"}
    assert "nan" not in re.sub(r"<[^>]+>", " ", page).split()
    assert page.count("<script") == 0
    if design == "concurrent against second reader":
        assert report.readings.modes == ("concurrent", "assisted", "blind")
        assert (
            report.compared[0].analysis is not None
            and len(report.compared[0].analysis.analyses[0].contrasts) == 3
        )
    if readers == 1:
        assert report.agreement == () and "One reader: nothing can be said of others." in report.limitations


def test_checklists_of_a_study_are_answered_by_its_page_and_stay_open_until_it_is_read(
    workspace: Workspace, store: Store
) -> None:
    report = reported(workspace, store)
    items = {(one.checklist.name, each.item.number): each for one in report.checklists for each in one.items}
    page = study_page(report)
    there = set(re.findall(r' id="([^"]+)"', page))
    assert {one.anchor for each in items.values() for one in each.said} <= there
    assert "blind" in items["stard2015", "13b"].said[0].text and not items["stard2015", "19"].open
    assert items["claim2024", "22"].open  # a study says nothing of how the model was made
    study = store.studies.create(protocol(["Script 1", "Script 2"], name="Unread"))
    unread = report_study(workspace, store, study.study_id)
    agreed = next(each for one in unread.checklists for each in one.items if each.item.number == "18")
    assert agreed.open and not agreed.said


def test_a_study_that_nobody_has_read_says_so(workspace: Workspace, store: Store) -> None:
    names = scripted_store(store)
    study_id = store.studies.create(protocol(names)).study_id
    report = report_study(workspace, store, study_id)
    assert "nothing has been read" in report.unfinished and "240 readings are missing" in report.unfinished
    assert "Nothing has been read." in study_page(report)


def test_without_labels_agreement_and_times_are_told_and_nothing_else(
    workspace: Workspace, store: Store
) -> None:
    report = reported(workspace, store, cases=20, labelled=False)
    assert report.agreement and report.agreement[0].estimate.n == 20
    assert all(math.isnan(each.value) for line in report.lines for each in line.figures.values())
    assert all(one.analysis is None and one.why for one in report.compared)
    assert report.advice == () and any("No case has a label" in each for each in report.limitations)
    study_page(report)


def parse_imrmc(text: str) -> tuple[dict[str, int], dict[tuple[str, str, str], float]]:
    """Read an iMRMC file as its documentation says: text, numbers at line starts, BEGIN DATA:, four columns."""
    head, data = text.split("BEGIN DATA:\n")
    counts = {name: int(value) for name, value in re.findall(r"^(NR|N0|N1|NM): *(\d+)$", head, re.MULTILINE)}
    truth: dict[str, int] = {}
    scores: dict[tuple[str, str, str], float] = {}
    for line in data.splitlines():
        reader, case, modality, score = (cell.strip() for cell in line.split(","))
        if reader == "-1":
            assert modality == "0" and score in ("0", "1") and case not in truth
            truth[case] = int(score)
        else:
            assert (reader, case, modality) not in scores
            scores[reader, case, modality] = float(score)
    assert {case for _, case, _ in scores} <= set(truth)
    assert counts["N0"] == sum(not each for each in truth.values()) and counts["N1"] == sum(truth.values())
    assert counts["NR"] == len({reader for reader, _, _ in scores})
    assert counts["NM"] == len({modality for _, _, modality in scores})
    assert all(len(line) > 1 for line in text.splitlines() if line)
    return truth, scores


def test_imrmc_reads_the_file_back_and_gets_the_same_areas(read: tuple[Workspace, Store]) -> None:
    workspace, store = read
    report = report_study(workspace, store, NAME)
    truth, scores = parse_imrmc(imrmc_file(report.readings))
    assert len(truth) == CASES and len(scores) == 4 * CASES
    assert all(case.isdigit() for case in truth)
    order = sorted(truth, key=int)
    ratings = [
        [[scores[reader, case, mode] for case in order] for reader in ("R1", "R2")]
        for mode in ("assisted", "blind")
    ]
    found = mrmc_analysis([truth[case] for case in order], ratings, ("assisted", "blind"), ("R1", "R2"))
    area = report.compared[0].analysis
    assert area is not None
    assert np.array(found.figures) == pytest.approx(np.array(area.figures))


def test_mrmcaov_gets_one_row_for_each_reader_test_and_case(read: tuple[Workspace, Store]) -> None:
    workspace, store = read
    readings = report_study(workspace, store, NAME).readings
    rows = long_table(readings)
    assert len(rows) == 4 * CASES == len({(row["reader"], row["test"], row["case"]) for row in rows})
    assert {row["truth"] for row in rows} == {0, 1}
    assert "empirical_auc(truth, rating), test, reader, case" in r_script(readings)
    verdicts = replace(readings, protocol=replace(readings.protocol, certainty=None))
    assert "binary_sens" in r_script(verdicts)


def test_the_files_say_the_same_and_name_nobody(read: tuple[Workspace, Store], tmp_path: Path) -> None:
    workspace, store = read
    report = report_study(workspace, store, NAME)
    files = export_study(report, tmp_path / "out")
    assert tuple(files) == tuple(STUDY_FORMATS)
    document = json.loads(files["json"]["study"].read_text(encoding="utf-8"))
    assert document["compared"][0]["analysis"]["analyses"][0]["contrasts"][0]["difference"][
        "value"
    ] == pytest.approx(
        report.compared[0].analysis.analyses[0].contrasts[0].difference.value  # type: ignore[union-attr]
    )
    with files["csv"]["study-comparison"].open(encoding="utf-8-sig") as stream:
        rows = list(csv.DictReader(stream))
    row = next(row for row in rows if row["figure"] == "AUC" and row["reading"] == "assisted minus blind")
    area = report.compared[0].analysis
    assert area is not None
    gap = area.analyses[0].contrasts[0]
    assert float(row["value"]) == pytest.approx(gap.difference.value) and float(row["p"]) == pytest.approx(
        gap.p_value
    )
    page = files["html"]["study"].read_text(encoding="utf-8")
    assert f"{gap.difference.value:.3f}".replace("0.", ".", 1) in page
    printed = words_of(files["pdf"]["study"].read_bytes())
    for said in (figure(gap.difference.value), interval(gap.difference)):
        assert squeezed(with_minus(said)) in printed
    assert "patient1" not in printed and "/films/" not in printed
    for written in (
        path
        for kind, each in files.items()
        if kind not in ("pdf", "docx", "parquet", "bundle")
        for path in each.values()
    ):
        text = written.read_text(encoding="utf-8")
        assert "/films/" not in text and "patient 1" not in text, written
        if written.suffix != ".html":
            assert "Script 1" not in text.replace(report.banner, ""), written
    with pytest.raises(ReportError, match="no format “odt”"):
        export_study(report, tmp_path / "out", formats=["odt"])


def test_the_command_writes_the_report_of_a_study_and_says_when_there_is_none(
    read: tuple[Workspace, Store], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    workspace, store = read
    name = report_study(workspace, store, NAME).name
    asked = ["report", name, "--out", str(tmp_path / "out"), "--workspace", str(workspace.root), "--json"]
    assert main(asked) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["study"] == name and Path(told["html"]).is_file() and "readings" in told["imrmc"]
    assert main([*asked, "--part", "val", "--prevalence", ".2"]) == 1  # said, not passed over in silence
    assert "--part and --prevalence can be said of runs alone" in capsys.readouterr().err
    assert main(["report", "nothing", "--out", str(tmp_path / "no"), "--workspace", str(workspace.root)]) == 1
    assert "no run “nothing”, and no study" in capsys.readouterr().err
    with pytest.raises(ReviewError):
        report_study(workspace, store, "nothing")


def test_the_json_of_a_study_is_what_its_schema_says(read: tuple[Workspace, Store]) -> None:
    workspace, store = read
    document, schema = study_document(report_study(workspace, store, NAME)), study_schema()
    Draft202012Validator.check_schema(schema)
    Draft202012Validator(schema).validate(json.loads(json.dumps(document, allow_nan=False)))
    assert document.keys() == schema["properties"].keys()


def test_readers_of_a_closed_study_stand_in_the_run_s_figures_where_the_study_says(
    read: tuple[Workspace, Store],
) -> None:
    workspace, store = read
    cases = store.predictions(RUN.run_id)
    report = build_report(TRAINED, cases, history=())
    assert reader_points(store, report, workspace) == ()  # an open study tells nobody how others read
    study = store.studies.get(NAME)
    store.studies.close(study.study_id)
    points = reader_points(store, report, workspace)
    lines = {(line.reader, line.mode): line for line in report_study(workspace, store, NAME).lines}
    assert [one.reader for one in points] == ["R1", "R2"]
    for one in points:
        for mode, at in (("blind", one.blind), ("assisted", one.assisted)):
            line = lines[one.reader, mode]
            assert at is not None and at.cases == CASES
            assert at.sensitivity == pytest.approx(line.figures["sensitivity"].value)
            assert at.specificity == pytest.approx(line.figures["specificity"].value)
    fewer = build_report(TRAINED, cases[1:], history=())
    assert reader_points(store, fewer, workspace) == ()  # a case of the study is not in the report
