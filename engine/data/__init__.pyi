from .archives import (
    is_archive as is_archive,
    unpack as unpack,
)
from .fingerprint import scan as scan
from .folders import from_home as from_home
from .index import index_data as index_data, index_folder as index_folder, index_table as index_table
from .patients import (
    count_patients as count_patients,
    patient_overlap as patient_overlap,
    patients_unknown as patients_unknown,
    patients_words as patients_words,
)
from .saved import (
    list_indexes as list_indexes,
    load_index as load_index,
    save_index as save_index,
)
from .split import (
    limit_training as limit_training,
    split_index as split_index,
)
from .split_choices import (
    DIVISIONS as DIVISIONS,
    Choices as Choices,
    Division as Division,
    choices_from_percent as choices_from_percent,
    load_choices as load_choices,
    positive_of as positive_of,
    ratios_of as ratios_of,
    save_choices as save_choices,
    training_request as training_request,
)
from .split_file import (
    load_split as load_split,
    save_split as save_split,
)
from .tables import is_table as is_table
