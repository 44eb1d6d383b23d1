"""`overread study`: readings by a protocol, made, changed, listed, shown, exported, locked and closed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from engine import reading, report, runs
from engine.errors import ReviewError
from engine.language import count_of, unitless
from engine.records import Sample
from engine.storage import storage_error
from engine.workspace import open_workspace
from gui.cli.data import dataset_of
from gui.cli.options import LOOK, JsonOption, WorkspaceOption, named, place, quantity, whole
from gui.cli.readings.study_options import (
    AimOption,
    CasesOption,
    CertaintyOption,
    ChoiceOption,
    ComparesOption,
    DataOption,
    DesignOption,
    IdsOption,
    IndeterminateOption,
    PrimaryOption,
    ReadersOption,
    ReasonOption,
    WashOutOption,
    WrongAdviceOption,
)
from gui.cli.terminal import say, show_json, show_table

if TYPE_CHECKING:
    from engine.reading import Store, Study

app = typer.Typer()
studies = typer.Typer(no_args_is_help=True)
app.add_typer(
    studies,
    name="study",
    rich_help_panel=LOOK,
    help="Reader studies: blind and assisted reading of chosen cases by a protocol that the first reading fixes."
    "\n\nExample: [bold]overread study list[/bold]",
)
StudyArgument = Annotated[
    str,
    typer.Argument(
        parser=named, metavar="STUDY", help="A study's name, its id or the start of one.", show_default=False
    ),
]


@studies.command("create")
def create(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Of the study.", show_default=False)],
    reader: ReadersOption = None,
    run: Annotated[
        str | None, typer.Option("--run", metavar="RUN", help="Whose predictions are shown.")
    ] = None,
    data: DataOption = None,
    design: DesignOption = "blind",
    adjudicator: Annotated[
        str | None, typer.Option(metavar="NAME", help="Who settles what the readers disagree on.")
    ] = None,
    cases: CasesOption = "filter",
    n: Annotated[
        int, typer.Option("--cases-n", "-n", parser=whole(0), metavar="N", help="How many to draw at random.")
    ] = 0,
    prevalence: Annotated[
        float | None,
        typer.Option(
            parser=quantity(0, 1, percent=0.01),
            metavar="SHARE",
            help="The share of positives in an enriched sample.",
        ),
    ] = None,
    part: Annotated[list[str] | None, typer.Option(help="train, val or test; may be repeated.")] = None,
    label: Annotated[list[str] | None, typer.Option(help="Only cases with this label of the data.")] = None,
    predicted: Annotated[list[str] | None, typer.Option(help="Only cases predicted to be this.")] = None,
    ids: IdsOption = None,
    choice: ChoiceOption = None,
    positive: Annotated[str, typer.Option(metavar="CLASS", help="The class that is the finding.")] = "",
    shown: Annotated[
        str, typer.Option(help="Of prediction, map: on assisted cases; patient: other images, in any arm.")
    ] = "prediction,map",
    certainty: CertaintyOption = None,
    consensus: Annotated[str, typer.Option(help="majority, unanimous or adjudicated.")] = "majority",
    indeterminate: IndeterminateOption = "excluded",
    wash_out: WashOutOption = 0.0,
    wrong_advice: WrongAdviceOption = 0.0,
    primary: PrimaryOption = "",
    compares: ComparesOption = "",
    aim: AimOption = "superior",
    endpoint: Annotated[str, typer.Option(help="What the study is to show, in words.")] = "",
    margin: Annotated[
        float | None, typer.Option(parser=quantity(0), metavar="X", help="Of non-inferiority or equivalence.")
    ] = None,
    seed: Annotated[int, typer.Option(parser=whole(0), metavar="N", help="Of every order and draw.")] = 0,
    root: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a study: its cases are drawn by the seed, and each reader gets them in an order of their own.

    Example: [bold]overread study create "Pilot" --run latest --design "blind then assisted" --part test
    --reader Ada --reader Ben[/bold]
    """
    workspace = open_workspace(root)
    found, told = dataset_of(workspace, data) if data else None, [each.strip() for each in shown.split(",")]
    drawn = {
        "rule": cases, "n": n, "prevalence": prevalence, "parts": part or (), "labels": label or (),
        "predicted": predicted or (),
    }  # fmt: skip
    protocol = reading.protocol_from({
        "name": name, "design": design, "run_id": runs.find_run(workspace, run).run_id if run else None,
        "dataset_id": found.dataset_id if found else None, "classes": choice or (), "positive": positive,
        "readers": reader or (), "adjudicator": adjudicator, "drawn": drawn, "endpoint": endpoint, "margin": margin,
        "shown": [each for each in told if each != "patient"], "same_patient": "patient" in told,
        "certainty": certainty, "consensus": consensus, "indeterminate": indeterminate, "wash_out_days": wash_out,
        "primary": {"figure": primary, "compares": compares, "aim": aim} if primary else None,
        "wrong_advice": wrong_advice, "seed": seed,
    })  # fmt: skip
    with reading.open_store(workspace.database) as store:
        study = store.studies.create(
            protocol, samples=found.samples if found else (), image_ids=_ids(ids) if ids else None
        )
        planned = _planned(study)
        if as_json:
            show_json({"study": asdict(study), "planned": planned})
            return
        print(study.study_id)
        say(_cases(study))
        if planned:
            say(planned)


def _ids(file: Path) -> list[str]:
    """Return the ids of a list.

    Raises:
        WorkspaceError: It cannot be read.
    """
    try:
        lines = file.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        if isinstance(error, OSError):
            raise storage_error(error, file) from error
        raise ReviewError(
            f"{file} is not a list of ids", "Write one id on a line, as text in UTF-8"
        ) from error
    return [line.strip() for line in lines if line.strip()]


def _cases(study: Study) -> str:
    """Say how many cases there are, and how they were drawn."""
    drawn, positive = study.protocol.drawn, study.protocol.positive
    of_them = "" if drawn.positives is None else f", {drawn.positives:,} of them labelled {positive}"
    return f"{count_of(drawn.n, 'case')}{of_them}: {drawn.words} (seed {study.protocol.seed})"


def _planned(study: Study) -> str:
    """Say the smallest difference between its arms that the study would see, and what a figure of it has to ask."""
    protocol = study.protocol
    told = report.planned_words(protocol, protocol.drawn.n, protocol.drawn.positives)
    if not told or protocol.certainty or not protocol.drawn.positives:
        return told
    return f"{told} For the AUC, readers have to say how sure they are: --certainty 0-100."


@studies.command("add")
def add(
    study: StudyArgument,
    reader: ReadersOption = None,
    ids: IdsOption = None,
    data: DataOption = None,
    reason: ReasonOption = "",
    root: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Add readers, who get the same cases, or cases, which every reader gets after those they have.

    Example: [bold]overread study add Pilot --reader Cleo --reason "Ben fell ill"[/bold]
    """
    workspace = open_workspace(root)
    samples: Sequence[Sample] = dataset_of(workspace, data).samples if data else ()
    with reading.open_store(workspace.database) as store:
        found = store.studies.get(study)
        if not reader and ids is None:
            raise ReviewError("It is not said what to add", "Give --reader NAME or --ids FILE")
        if ids is not None:
            found = store.studies.add_cases(found.study_id, _ids(ids), reason, samples=samples)
        if reader:
            protocol = replace(found.protocol, readers=(*found.protocol.readers, *reader))
            found = store.studies.change(found.study_id, protocol, reason)
    if as_json:
        show_json(asdict(found))
    else:
        say(f"{found.name}: {count_of(len(found.protocol.readers), 'reader')}. {_cases(found)}")


@studies.command("note")
def note(
    study: StudyArgument,
    reason: Annotated[
        str, typer.Argument(metavar="WORDS", help="What departed from the protocol.", show_default=False)
    ],
    root: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Record a deviation that changes nothing in the protocol itself; it is printed with the results.

    Example: [bold]overread study note Pilot "The second screen was replaced after case 40"[/bold]
    """
    with reading.open_store(open_workspace(root).database) as store:
        noted = store.studies.note(study, reason)
    _say_state(noted, "The deviation is written down; the hash of the protocol stays", as_json)


@studies.command("list")
def list_studies(root: WorkspaceOption = None, as_json: JsonOption = False) -> None:
    """List every study, and how far it is read.

    Example: [bold]overread study list[/bold]
    """
    with reading.open_store(open_workspace(root).database) as store:
        found = [(study, store.studies.progress(study.study_id)) for study in store.studies.all()]
    if as_json:
        show_json(
            {"studies": [asdict(study) | {"progress": [asdict(one) for one in far]} for study, far in found]}
        )
        return
    rows = [
        (
            study.name,
            study.study_id[:8],
            study.protocol.design,
            study.state,
            f"{study.protocol.drawn.n:,}",
            len(study.protocol.readers),
            f"{sum(one.read for one in far):,} of {sum(one.of for one in far):,}",
        )
        for study, far in found
    ]
    show_table(
        ("study", "id", "design", "state", "cases", "readers", "answers"),
        rows,
        none="There are no studies yet. Make one: overread study create NAME",
    )


@studies.command("show")
def show(study: StudyArgument, root: WorkspaceOption = None, as_json: JsonOption = False) -> None:
    """Show a study's protocol with its hash and deviations, how far each reader is, and what is disagreed on.

    Example: [bold]overread study show Pilot[/bold]
    """
    with reading.open_store(open_workspace(root).database) as store:
        found = store.studies.get(study)
        far = store.studies.progress(found.study_id)
        open_cases = [one for one in store.studies.disagreements(found.study_id) if one.settled is None]
        names = {one.reader_id: one.name for one in store.people()}
        disclosed = _disclosed(store, found)
        set_back = store.studies.set_back(found.study_id)
    if as_json:
        document: dict[str, Any] = asdict(found) | {"progress": [asdict(one) for one in far]}
        show_json(
            document
            | {
                "not_settled": len(open_cases),
                "wrong_advice_shown": disclosed,
                "set_back": [asdict(one) for one in set_back],
            }
        )
        return
    show_table(("protocol", ""), _protocol_rows(found, names), title=f"{found.name} ({found.state})")
    rows = [(one.name, one.arm, f"{one.read:,} of {one.of:,}", one.median_seconds) for one in far]
    show_table(("reader", "arm", "answered", "median seconds"), rows)
    for one in found.deviations:
        what = report.changed_words(one, found.protocol, names)
        say(f"Deviation of {one.at:%d %B %Y}: {what}")
    for sentence in report.clock_words(set_back):
        say(sentence)
    if open_cases:
        say(f"Cases that the readers disagree on, not settled yet: {len(open_cases):,}")
    for who, those in disclosed.items():
        say(f"{names[who]} was shown the other class on purpose on {count_of(len(those), 'case')}")


def _disclosed(store: Store, study: Study) -> Mapping[str, list[dict[str, Any]]]:
    """Return each reader's list of wrong advice, once it may be disclosed."""
    if study.state != "closed" or not study.protocol.wrong_advice:
        return {}
    return {
        who: [asdict(one) for one in store.studies.disclosure(study.study_id, who)]
        for who in study.protocol.readers
    }


def _protocol_rows(study: Study, names: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return what was decided, in words."""
    protocol = study.protocol
    by_name = [names.get(one, one) for one in protocol.readers]
    fixed = "not fixed yet" if study.fixed is None else f"fixed {study.fixed:%d %B %Y, %H:%M} UTC"
    return [
        ("design", f"{protocol.design}: {reading.DESIGNS[protocol.design].description}"),
        ("cases", _cases(study)),
        ("run", protocol.run_id or "none"),
        ("data set", protocol.dataset_id or "of the run"),
        ("classes", ", ".join(protocol.classes)),
        ("positive class", protocol.positive or "none"),
        ("readers", ", ".join(by_name)),
        ("adjudicator", names.get(protocol.adjudicator, "none") if protocol.adjudicator else "none"),
        ("shown when assisted", ", ".join(protocol.shown)),
        ("beside a case", "other images of the patient" if protocol.same_patient else "nothing"),
        ("certainty", protocol.certainty or "not asked"),
        ("consensus", protocol.consensus),
        ("indeterminate", protocol.indeterminate),
        ("wash-out", f"{protocol.wash_out_days:g} day{'' if protocol.wash_out_days == 1 else 's'}"),
        ("wrong advice", f"{protocol.wrong_advice:.0%} of cases"),
        ("primary endpoint", protocol.primary_words or protocol.endpoint or "not stated"),
        ("margin", "none" if protocol.margin is None else unitless(protocol.margin)),
        ("protocol hash", f"{study.protocol_hash} ({fixed})"),
    ]


@studies.command("export")
def export(
    study: StudyArgument,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", parser=place, metavar="DIR", help="Default: a folder named after the study's id."
        ),
    ] = None,
    root: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write all answers with what had been seen before each, the cases, the protocol and a data dictionary.

    Example: [bold]overread study export Pilot --out pilot[/bold]
    """
    with reading.open_store(open_workspace(root).database) as store:
        found = store.studies.get(study)
        written = store.studies.export(found.study_id, out or Path(f"study-{found.study_id[:8]}"))
    if as_json:
        show_json({"study_id": found.study_id, "files": written})
        return
    for path in written:
        print(path)


@studies.command("lock")
def lock(study: StudyArgument, root: WorkspaceOption = None, as_json: JsonOption = False) -> None:
    """Fix the protocol now; the first reading would otherwise. What is changed later is a deviation, with its reason.

    Example: [bold]overread study lock Pilot[/bold]
    """
    with reading.open_store(open_workspace(root).database) as store:
        locked = store.studies.lock(study)
    _say_state(locked, "The protocol is fixed; its hash is", as_json)


@studies.command("close")
def close(study: StudyArgument, root: WorkspaceOption = None, as_json: JsonOption = False) -> None:
    """End a study for good; its readers can then be told which advice was wrong on purpose.

    Example: [bold]overread study close Pilot[/bold]
    """
    with reading.open_store(open_workspace(root).database) as store:
        closed = store.studies.close(study)
    _say_state(closed, "The study is closed; the hash of its protocol is", as_json)


def _say_state(study: Study, sentence: str, as_json: bool) -> None:
    if as_json:
        show_json(asdict(study))
    else:
        print(f"{sentence} {study.protocol_hash}")
