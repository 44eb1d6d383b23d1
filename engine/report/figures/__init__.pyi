from .confusion import (
    CROWDED as CROWDED,
    MANY as MANY,
    by_likeness as by_likeness,
    confusion_matrix_svg as confusion_matrix_svg,
    most_confused as most_confused,
)
from .curves import (
    precision_recall_svg as precision_recall_svg,
    reliability_svg as reliability_svg,
    roc_svg as roc_svg,
)
from .decisions import (
    decision_curve_svg as decision_curve_svg,
    risk_coverage_svg as risk_coverage_svg,
    scores_svg as scores_svg,
)
from .drawing import MOST_CURVES as MOST_CURVES
from .of_report import (
    OF_RUN as OF_RUN,
    OF_STANDARD as OF_STANDARD,
    caption_of as caption_of,
    figures_of as figures_of,
    figures_of_run as figures_of_run,
)
from .readers import (
    arrows_svg as arrows_svg,
    differences_svg as differences_svg,
    learning_svg as learning_svg,
)
from .training import (
    balance_svg as balance_svg,
    curves_svg as curves_svg,
    forest_svg as forest_svg,
    learning_curve_svg as learning_curve_svg,
    overlaid_svg as overlaid_svg,
    training_svg as training_svg,
)
