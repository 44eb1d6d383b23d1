from .bootstrap import RESAMPLES as RESAMPLES
from .classification_report import (
    ClassRow as ClassRow,
    classification_table as classification_table,
    confusion_matrix as confusion_matrix,
    overall as overall,
    resample as resample,
)
from .curves import (
    PrecisionRecall as PrecisionRecall,
    ReliabilityBin as ReliabilityBin,
    Roc as Roc,
    precision_recall_curve as precision_recall_curve,
    reliability_bins as reliability_bins,
    roc_curve as roc_curve,
)
from .kappa import (
    cohen_kappa as cohen_kappa,
    fleiss_kappa as fleiss_kappa,
)
from .metrics import (
    auroc as auroc,
    inestimable as inestimable,
    placements as placements,
    predictive_values as predictive_values,
    proportion as proportion,
)
from .operating_points import (
    OPERATING_POINTS as OPERATING_POINTS,
    choose_threshold as choose_threshold,
)
from .paired_tests import (
    Comparison as Comparison,
    delong as delong,
    paired_bootstrap as paired_bootstrap,
    paired_macro as paired_macro,
    shares as shares,
)
