from .behind import (
    Behind as Behind,
    cases_behind as cases_behind,
)
from .build import (
    build_report as build_report,
    export_report as export_report,
    with_files as with_files,
)
from .checked.again import verify_again as verify_again
from .checked.of_run import run_in as run_in
from .checked.verifying import verify as verify
from .checklists.items import (
    CHECKLISTS as CHECKLISTS,
    OFFLINE_ONLY as OFFLINE_ONLY,
    checklist_of as checklist_of,
    item_of as item_of,
    sharing as sharing,
)
from .checklists.kept import (
    keep_answer as keep_answer,
    kept_answers as kept_answers,
)
from .checklists.records import (
    AnsweredChecklist as AnsweredChecklist,
    AnsweredItem as AnsweredItem,
    Said as Said,
    Written as Written,
)
from .elsewhere.images import (
    Abroad as Abroad,
    with_elsewhere as with_elsewhere,
)
from .exports.bundle.beside import schema_file as schema_file
from .exports.bundle.case_table import (
    parquet_name as parquet_name,
    pseudonyms as pseudonyms,
    table_files as table_files,
    understood as understood,
)
from .exports.bundle.differences import (
    Difference as Difference,
    Verification as Verification,
)
from .exports.bundle.masks import region_files as region_files
from .exports.bundle.packing import (
    pack_files as pack_files,
    run_without_paths as run_without_paths,
)
from .exports.bundle.searching import (
    Names as Names,
    names_of_images as names_of_images,
)
from .exports.external_page import write_external as write_external
from .exports.files import EXPORTS as EXPORTS
from .exports.html import fill_template as fill_template
from .exports.model_card import (
    NOT_FOR_DIAGNOSIS as NOT_FOR_DIAGNOSIS,
    card_json as card_json,
    card_markdown as card_markdown,
    card_of as card_of,
)
from .exports.numbers import (
    checklists_document as checklists_document,
    external_document as external_document,
    passport_document as passport_document,
    plain as plain,
)
from .exports.page_files import (
    WrittenPage as WrittenPage,
    write_page as write_page,
)
from .exports.schema.earlier import writers as writers
from .exports.schema.of_records import schema_of as schema_of
from .figures.confusion import by_likeness as by_likeness
from .figures.drawing import MOST_CURVES as MOST_CURVES
from .figures.of_report import (
    caption_of as caption_of,
    figures_of as figures_of,
    figures_of_run as figures_of_run,
)
from .figures.training import (
    forest_svg as forest_svg,
    learning_curve_svg as learning_curve_svg,
    overlaid_svg as overlaid_svg,
    training_svg as training_svg,
)
from .formatting import (
    case_ids as case_ids,
    duration as duration,
    edge_words as edge_words,
    figure as figure,
    interval as interval,
    operating_words as operating_words,
    p_value as p_value,
    probability as probability,
    rests_on as rests_on,
    were as were,
)
from .marked.drawn import drawn_blind as drawn_blind
from .marked.pointing import pointing as pointing
from .methods_section import settings_in_words as settings_in_words
from .named.names import (
    figure_words as figure_words,
    reason_words as reason_words,
    standard_words as standard_words,
)
from .named.of_facts import fact_value_words as fact_value_words
from .named.of_page import fact_words as fact_words, section_words as section_words
from .operating import with_readers as with_readers
from .paper.directions import apart as apart, with_minus as with_minus
from .paper.pdf import pdf_of as pdf_of
from .paper.word import word_of as word_of
from .passport_words import (
    passport_in_words as passport_in_words,
    passport_line as passport_line,
    why_off as why_off,
)
from .pieces.label_errors import (
    SearchedCase as SearchedCase,
    SearchedLabels as SearchedLabels,
)
from .printed.book import Book as Book
from .printed.figures import Figure as Figure
from .printed.records import (
    Basis as Basis,
    Cell as Cell,
    Line as Line,
    Table as Table,
    of_estimate as of_estimate,
    pointer as pointer,
    renumbered as renumbered,
)
from .printed.sentences import (
    Sentence as Sentence,
    as_kept as as_kept,
    counted_from as counted_from,
    with_ids as with_ids,
)
from .printed.sheet import (
    PRINTED_FIELDS as PRINTED_FIELDS,
    Sheet as Sheet,
)
from .records import (
    Against as Against,
    CaseRow as CaseRow,
    CrossValidation as CrossValidation,
    ExportedReport as ExportedReport,
    Report as Report,
)
from .run_answers.subjects import with_checklists as with_checklists
from .standards.at_prevalence import (
    keep_prevalence as keep_prevalence,
    prevalence_of as prevalence_of,
)
from .standards.reference_standards import REFERENCE_STANDARDS as REFERENCE_STANDARDS
from .studied.consensus import consensus_of_studies as consensus_of_studies
from .study.answers import (
    study_answered_again as study_answered_again,
    with_study_checklists as with_study_checklists,
)
from .study.building import build_study_report as build_study_report
from .study.comparing import planned_words as planned_words
from .study.exports import study_document as study_document
from .study.formats import (
    STUDY_FORMATS as STUDY_FORMATS,
    export_study as export_study,
)
from .study.page import study_page as study_page
from .study.records import StudyReport as StudyReport
from .study.stored import (
    readers_by_number as readers_by_number,
    report_study as report_study,
    study_folder as study_folder,
)
from .study.told.deviations import changed_words as changed_words, clock_words as clock_words
from .titled.files import facts_of_files as facts_of_files
