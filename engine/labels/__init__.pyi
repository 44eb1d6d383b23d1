from .choosing import (
    held_against as held_against,
    on_version as on_version,
    splits_in_use as splits_in_use,
    splits_on as splits_on,
    use_version as use_version,
    version_in_use as version_in_use,
)
from .exporting import write_labels as write_labels
from .making import (
    base_run_of as base_run_of,
    came_with as came_with,
    draft_from_run as draft_from_run,
    drafted_words as drafted_words,
    kept_words as kept_words,
    labels_of as labels_of,
    make as make,
    said_of_run as said_of_run,
    used as used,
    version_named as version_named,
    versions_of as versions_of,
)
from .parts import (
    keep_parts as keep_parts,
    refuse_locked as refuse_locked,
    relabelled as relabelled,
    splits_asked_for as splits_asked_for,
)
from .queueing import to_be_read as to_be_read
from .retraining import (
    request_again as request_again,
    trained_after as trained_after,
    version_to_train_on as version_to_train_on,
)
from .searching import (
    keep_search as keep_search,
    load_searches as load_searches,
    searches_of as searches_of,
)
from .studied import (
    Rereading as Rereading,
    begin_rereading as begin_rereading,
    dataset_of as dataset_of,
    draft_from_study as draft_from_study,
    result_of_rereading as result_of_rereading,
)
from .suspicion import (
    Suspect as Suspect,
    frozen_features as frozen_features,
    out_of_fold as out_of_fold,
    suspects as suspects,
    suspects_of_run as suspects_of_run,
)
from .tracing import (
    LabelChange as LabelChange,
    StudyOffer as StudyOffer,
    changes_of as changes_of,
    made_from_words as made_from_words,
    studies_of as studies_of,
)
