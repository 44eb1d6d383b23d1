from .confusion import confusion_matrix_svg as confusion_matrix_svg
from .curves import (
    precision_recall_svg as precision_recall_svg,
    reliability_svg as reliability_svg,
    roc_svg as roc_svg,
)
from .training import (
    balance_svg as balance_svg,
    curves_svg as curves_svg,
    forest_svg as forest_svg,
    learning_curve_svg as learning_curve_svg,
    overlaid_svg as overlaid_svg,
    training_svg as training_svg,
)
