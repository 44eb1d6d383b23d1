from .checks import group_equal as group_equal
from .columns.samples import (
    ids_of as ids_of,
    labels_by_id as labels_by_id,
    relabelled as relabelled,
)
from .copies.near import copies_of_others as copies_of_others
from .fingerprint import scan as scan
from .folders import from_home as from_home, refuse_address as refuse_address
from .index import index_data as index_data, index_folder as index_folder, index_table as index_table
from .moved.finding import (
    Moved as Moved,
    find_moved as find_moved,
    folders_of as folders_of,
)
from .names import (
    is_housekeeping as is_housekeeping,
    is_missing as is_missing,
    match_names as match_names,
    order_classes as order_classes,
)
from .patients import (
    PatientsNamed as PatientsNamed,
    cases_of as cases_of,
    patient_overlap as patient_overlap,
    patients_named as patients_named,
    patients_words as patients_words,
    unit_words as unit_words,
)
from .pixels.masks import read_mask as read_mask
from .pixels.sizes import (
    Detail as Detail,
    detail_of as detail_of,
    sizes_of as sizes_of,
)
from .proposing.answers import (
    answers_from_json as answers_from_json,
    answers_from_options as answers_from_options,
    answers_to_json as answers_to_json,
    proposal_from_json as proposal_from_json,
    proposal_to_json as proposal_to_json,
    with_answers as with_answers,
)
from .proposing.propose import propose as propose
from .saved import (
    list_indexes as list_indexes,
    load_answers as load_answers,
    load_index as load_index,
    load_summary as load_summary,
    save_index as save_index,
)
from .sources import (
    ARCHIVE_SUFFIXES as ARCHIVE_SUFFIXES,
    TABLE_SUFFIXES as TABLE_SUFFIXES,
    Table as Table,
    is_archive as is_archive,
    is_table as is_table,
    open_table as open_table,
    read_headers as read_headers,
    stem as stem,
    unpack as unpack,
)
from .split import (
    all_folds as all_folds,
    k_folds as k_folds,
    kept_together as kept_together,
    limit_training as limit_training,
    split_index as split_index,
)
from .split_choices import (
    Choices as Choices,
    SplitMode as SplitMode,
    folds_as_chosen as folds_as_chosen,
    load_choices as load_choices,
    positive_of as positive_of,
    ratios_of as ratios_of,
    save_choices as save_choices,
    split_as_chosen as split_as_chosen,
    training_request as training_request,
)
from .split_file import (
    load_split as load_split,
    save_split as save_split,
)
