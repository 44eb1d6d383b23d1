from .calibration import (
    as_trained as as_trained,
    calibrate as calibrate,
    calibrated as calibrated,
    mean_log_odds as mean_log_odds,
    undecided as undecided,
)
from .dropout import (
    injected_dropout as injected_dropout,
    pass_probabilities as pass_probabilities,
    pooled_features as pooled_features,
)
from .estimates import (
    cases_for_passes as cases_for_passes,
    estimate_uncertainty as estimate_uncertainty,
    fit_uncertainty as fit_uncertainty,
)
from .shift import (
    distances_of as distances_of,
    fit_shift as fit_shift,
    shift_features as shift_features,
    shift_of as shift_of,
)
from .shift_in_words import (
    image_unlike as image_unlike,
    shift_told as shift_told,
    shift_unknown as shift_unknown,
    shift_words as shift_words,
)
