"""What a journal asks of a study of medical-imaging AI, after CLAIM 2024 (doi:10.1148/ryai.240300), in our words.

Some items follow from what the workspace holds and are answered; the others only a person can answer and stay open.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from engine.data import patient_overlap, patients_unknown
from engine.records import Estimate, Part, Run, Split
from engine.report.formatting import PART_NAMES, in_brackets, without_paths
from engine.report.methods_section import balance_words, changes_words
from engine.report.records import Item


def checklist(
    run: Run,
    *,
    part: Part | None,
    cases: int,
    split: Split | None,
    readers: int,
    kappa: Estimate | None,
    methods: Sequence[str],
    pointing: Estimate | None,
    software: Mapping[str, str],
    subgroups: bool,
) -> tuple[Item, ...]:
    """Answer what can be answered; arguments are those of a report."""
    recipe, found = run.recipe, []

    def ask(section: str, question: str, answer: str = "", left: str = "") -> None:
        found.append(Item(section, question, without_paths(answer), left))

    sizes = ""
    if split is not None:
        sizes = "; ".join(
            f"{PART_NAMES[name]} {len(side):,} films"
            + ("" if patients_unknown(split) else f" of {len({s.patient_id for s in side}):,} patients")
            for name, side in (("train", split.train), ("val", split.val), ("test", split.test))
        )
    ask(
        "Title, abstract",
        "Is the use of AI, and its category, named in title and abstract?",
        left="Write it.",
    )
    ask(
        "Introduction",
        "What is the clinical background, the intended use and the hypothesis?",
        left="Write it.",
    )
    ask("Methods", "Is the study prospective or retrospective, and what is its goal?", left="State it.")
    ask(
        "Methods: data",
        "Where do the data come from?",
        f"Data set “{run.dataset_name}”, id {run.dataset_id}.",
        "Name hospitals, dates, machines, licences and approvals.",
    )
    ask(
        "Methods: data",
        "Which patients were included and which left out?",
        left="Give the criteria and a flow chart.",
    )
    ask(
        "Methods: data",
        "How were images prepared?",
        f"Whole image resized to {recipe.image_size} × {recipe.image_size} pixels; {recipe.channels} channel(s).",
    )
    ask(
        "Methods: data",
        "How was privacy kept?",
        "This report holds no file names, paths or patient identifiers; cases carry digits of a checksum.",
        "Say how the source data were de-identified; check films for burnt-in text.",
    )
    ask(
        "Methods: data",
        "How were missing data handled?",
        "Cases without an answer in a reference standard are left out of its figures and counted by reason.",
    )
    ask("Methods: reference", "How was the reference standard defined, and why this one?", left="State it.")
    ask(
        "Methods: reference",
        "Who read the cases, with what training?",
        f"{readers} reader(s) over-read cases in Overread with the prediction in view." if readers else "",
        "Give readers' professions and years of experience, and who made the original labels.",
    )
    ask(
        "Methods: reference",
        "How far do readers agree?",
        f"Between readers {in_brackets('kappa', kappa)}." if kappa is not None else "",
        "" if kappa is not None else "Have two readers read the same cases.",
    )
    ask("Methods: split", "How were data divided?", f"{split.method}, seed {split.seed}; {sizes}." if split else "",
        "" if split else "State it.")  # fmt: skip
    ask(
        "Methods: split",
        "At what level do the parts not overlap?",
        f"{patient_overlap(split).capitalize()}." if split else "",
        "" if split else "State it.",
    )
    ask("Methods: split", "How was the sample size chosen?", left="Give the reasoning.")
    ask(
        "Methods: model",
        "What is the model?",
        f"{recipe.backbone} with {run.parameters:,} parameters; recipe “{recipe.name}”.",
    )
    ask("Methods: model", "What software was used?", ", ".join(f"{k} {v}" for k, v in software.items()) + ".")
    ask("Methods: model", "How were weights initialised?", f"{run.weights_source}.")
    ask(
        "Methods: training",
        "How was it trained?",
        f"{len(recipe.phases)} phase(s), batch {recipe.batch_size}, unequal classes: {balance_words(recipe.balance)}; "
        f"augmentation: {changes_words(recipe)}. Details stand under “What was done”.",
    )
    ask(
        "Methods: training",
        "How was the final model chosen?",
        "The best epoch on validation data: "
        + ", ".join(dict.fromkeys(phase.monitor.replace("_", " ") for phase in recipe.phases))
        + ". A single model, no ensemble.",
    )
    ask(
        "Methods: evaluation",
        "Which metrics, and how certain are they?",
        "Listed under “Figures”, each with its 95% interval and the name of the method.",
        "Name the primary metric.",
    )
    ask(
        "Methods: evaluation",
        "How robust is the model?",
        "Figures by subgroup are given." if subgroups else "",
        "Test it on other machines, sites and patient groups.",
    )
    ask(
        "Methods: evaluation",
        "How are predictions explained, and was that validated?",
        (f"{', '.join(methods)}. " if methods else "")
        + (f"The peak lay on the known finding {in_brackets('hit rate', pointing)}." if pointing else ""),
        "" if pointing else "Compare heatmaps with drawn findings.",
    )
    ask("Methods: evaluation", "Was it tested on data from elsewhere?", left="Do so, or say that it was not.")
    ask(
        "Results",
        "How many cases were evaluated?",
        f"{cases:,} cases of the {PART_NAMES[part]} part."
        if part
        else f"{cases:,} cases, all parts together.",
    )
    ask("Results", "Who are the patients in each part?", left="Give age, sex and severity by part.")
    ask("Results", "What is the performance, with uncertainty?", "See “Figures”, by reference standard.")
    ask("Results", "Where does it fail?", "See the gallery of wrong cases.", "Describe the patterns.")
    ask(
        "Discussion",
        "What are the limitations?",
        "See “What these figures do not show”.",
        "Add the study's own.",
    )
    ask("Discussion", "What does it mean for practice?", left="Write it.")
    ask("Other", "Registration, protocol, code and data availability, funding?", left="State each.")
    return tuple(found)
