from .for_review import (
    keep_for_review as keep_for_review,
    seen_before as seen_before,
    told_of as told_of,
)
from .likeness import keep_alike as keep_alike
from .map_settings import (
    fit_map_settings as fit_map_settings,
    settle_maps as settle_maps,
)
from .on_demand import (
    Explainer as Explainer,
    check_choice as check_choice,
    explain_case as explain_case,
)
from .predictor import (
    Loaded as Loaded,
    foreign_labels as foreign_labels,
    parts_of as parts_of,
    predict as predict,
    predict_and_explain as predict_and_explain,
    predicted_class as predicted_class,
)
from .robustness import (
    DISTURBANCES as DISTURBANCES,
    measure_robustness as measure_robustness,
)
from .settled import (
    passport_anew as passport_anew,
    read_own as read_own,
)
from .shift_afterwards import refit_shift as refit_shift
