"""What a study's report keeps in English, as templates by which `engine.retelling` says it again on a page."""

from __future__ import annotations

from engine.language import ENGLISH, N_, _, isolated, language, number
from engine.report.study.records import StudyReport
from engine.retelling import retold_closely

LINE = (
    N_("blind then assisted"),
    N_("wash-out"),
    N_("concurrent against second reader"),
    N_("fully crossed"),
    N_("not fully crossed"),
    N_("internal testing"),
    N_("external testing"),
    N_("on cases that the model knows or may know"),
    N_("{n} reader"),
    N_("{n} readers"),
)
"""How it was read."""
UNFINISHED = (
    N_("the study is not closed"),
    N_("{n} reading is missing"),
    N_("{n} readings are missing"),
    N_("the protocol names no primary endpoint that can be computed"),
    N_("the model's operating point was not fixed before the first reading"),
    N_("the protocol was changed after it was fixed"),
    N_("nothing has been read"),
)
BANNER = (
    N_("Readings made by a program: {names} is a script. Nothing here is evidence of how people read."),
    N_("Readings made by a program: {names} are scripts. Nothing here is evidence of how people read."),
)
FLOW = (
    N_("{cases} of {patients}: {n1} with a label that is one of the study's classes, {n2} without."),
    N_("By these labels {n1} are {finding} and {n2} are not."),
    N_(
        "Readings {words}: {n1} assigned, of which {n2} not read, {n3} left out for what had been seen before, {n4} "
        "unsure or not diagnostic, {n5} with a class."
    ),
)
ADVICE = (
    N_(
        "For {share} of the cases the other class was shown on purpose, so that wrong advice is more common here than "
        "the model's own errors are."
    ),
)
OVER_READERS = (
    N_(
        "By the variances seen, the smallest difference in {words} that such a study sees with a power of .8 is "
        "{value}, for readers and cases like these."
    ),
    N_(
        "By the variances seen, the smallest difference in {words} that such a study sees with a power of .8 is "
        "{value}, for this reader."
    ),
    N_(
        "With a margin of {value}, {state} is superior to {part}"
        ": the interval lies above 0"
        " (one-sided p = {p} at a level of {level})."
    ),
    N_(
        "With a margin of {value}, {state} is not inferior to {part}"
        ": the interval lies above -{value}"
        " (one-sided p = {p} at a level of {level})."
    ),
    N_(
        "With a margin of {value}, {state} is inferior to {part}"
        ": the interval lies below -{value}"
        " (one-sided p = {p} at a level of {level})."
    ),
    N_(
        "With a margin of {value}, {state} is not settled to be superior or inferior to {part}"
        ": the interval does not lie above -{value}"
        " (one-sided p = {p} at a level of {level})."
    ),
    N_(
        "With a margin of {value}, {state} is superior to {part}"
        ": the interval lies above 0"
        " (one-sided p < {p} at a level of {level})."
    ),
    N_(
        "With a margin of {value}, {state} is not inferior to {part}"
        ": the interval lies above -{value}"
        " (one-sided p < {p} at a level of {level})."
    ),
    N_(
        "With a margin of {value}, {state} is inferior to {part}"
        ": the interval lies below -{value}"
        " (one-sided p < {p} at a level of {level})."
    ),
    N_(
        "With a margin of {value}, {state} is not settled to be superior or inferior to {part}"
        ": the interval does not lie above -{value}"
        " (one-sided p < {p} at a level of {level})."
    ),
    N_("no reader has read enough"),
    N_("{reader} is left out: fewer than two cases with the finding were read ({words})."),
    N_("{reader} is left out: fewer than two cases without the finding were read ({words})."),
    N_(
        "Not fully crossed: {n1} of {n2} cases were rated by every reader with every modality. Each figure rests on "
        "the cases its reader rated, and two figures are taken to covary by the cases that they share."
    ),
    N_(
        "Not fully crossed: {n1} of {n2} cases were rated by every reader. Each figure rests on the cases its reader "
        "rated, and two figures are taken to covary by the cases that they share."
    ),
    N_("Cov2 was estimated below Cov3; their difference counts as 0 in the tests."),
    N_("The variance of readers was estimated below 0, which means that little of it can be seen."),
    N_(
        "The variance of modality by reader was estimated below 0, which means that little of it can be seen."
    ),
    N_("One reader: nothing can be said of other readers."),
)
PRIMARY = (
    N_("{value} (95% {interval})"),
    N_("{value} (95% {interval}), p = {p}."),
    N_("{value} (95% {interval}), p < {p}."),
    N_("{value} (95% {interval}), p = {p}: the interval lies above 0."),
    N_("{value} (95% {interval}), p < {p}: the interval lies above 0."),
    N_("{value} (95% {interval}), p = {p}: the interval does not lie above 0."),
    N_("{value} (95% {interval}), p < {p}: the interval does not lie above 0."),
    N_("It cannot be had: {words}."),
)
LIMITATIONS = (
    N_(
        "Readers are held against the labels that came with the data. Overread does not know how these were made."
    ),
    N_("No case has a label, so that nothing can be said of who is right."),
    N_(
        "Each case was read with the model directly after it was read without: a second look may help on its own."
    ),
    N_(
        "Readers saw the model's answer before they gave theirs: how they would read without it is not known."
    ),
    N_("The finding is as common here as the study was made, so that no predictive value is given."),
    N_("One reader: nothing can be said of others."),
    N_(
        "Two readers show little of how much readers differ; intervals for other readers are wide and uncertain."
    ),
    N_("The cases were read from a list, not in the course of care: nothing is said of patients' outcomes."),
)
FACTS = (
    N_("Study"),
    N_("Design"),
    N_("Primary endpoint"),
    N_("The endpoint in words"),
    N_("Margin"),
    N_("Model"),
    N_("Operating point"),
    N_("Shown with the model"),
    N_("Beside a case"),
    N_("Classes"),
    N_("The finding"),
    N_("Cases"),
    N_("Adjudicator"),
    N_("Certainty asked"),
    N_("Consensus"),
    N_("Unsure and not diagnostic"),
    N_("Wash-out"),
    N_("Wrong advice"),
    N_("Seed"),
    N_("Hash of the protocol"),
    N_("Protocol fixed"),
    N_("First reading"),
    N_("Closed"),
    N_("Newest row of the chain of evidence"),
)
"""Lines of the protocol."""
VALUES = (
    N_("none was fixed"),
    N_("none"),
    N_("no"),
    N_("not yet"),
    N_("excluded"),
    N_("other images of the patient"),
    N_("told when the study is closed"),
    N_("the other class was shown on purpose for {share} of the cases"),
    N_("{finding} is predicted from a probability of {value} on; fixed with the model on {moment} UTC"),
    N_("none: the most probable class is predicted; fixed with the model on {moment} UTC"),
    N_("count as {state}"),
    N_("positive"),
    N_("majority"),
    N_("unanimous"),
    N_("prediction"),
    N_("map"),
    N_("negative"),
    N_("{n} days"),
    N_("{n} years of experience"),
    N_("profession and experience not stated"),
)
"""What they say, where it is ours."""
OF_NAMES = frozenset(
    {
        "Study",
        "The endpoint in words",
        "Model",
        "Classes",
        "The finding",
        "Adjudicator",
        "Hash of the protocol",
        "Newest row of the chain of evidence",
    }
)
"""Lines whose values are names, hashes and what somebody wrote."""


def reader_words(told: str) -> str:
    """Return what a reader is and for how long: the profession as it was typed."""
    said = [(one, retold_closely(one)) for one in told.split(", ")]
    return _(", ").join(isolated(one) if again == one else again for one, again in said)


def protocol_words(report: StudyReport, name: str) -> str:
    """Return what a line of the protocol says in the language that is spoken; empty where there is no such line."""
    said, protocol = report.facts.get(name, ""), report.readings.protocol
    if language() == ENGLISH or not said:
        return said
    if name == "Cases":
        words = protocol.drawn.words
        return f"{number(protocol.drawn.n)}: {words}" if protocol.drawn.n else words
    if name == "Primary endpoint" and protocol.primary_words:
        return protocol.primary_words
    if name == "Shown with the model":
        return _(", ").join(map(retold_closely, protocol.shown))
    if name == "Primary endpoint" and said == protocol.endpoint:
        return isolated(said)  # somebody's own words
    told = _(said) if said == "none" else said if name in OF_NAMES else retold_closely(said)
    return isolated(said) if told == said else told
