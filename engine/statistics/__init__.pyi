from .calibration_figures import BINS as BINS
from .classification_report import (
    ClassRow as ClassRow,
    calibrated_event as calibrated_event,
    classification_table as classification_table,
    confusion_matrix as confusion_matrix,
    overall as overall,
    top_k as top_k,
    weighted_f1 as weighted_f1,
)
from .clusters import (
    Clusters as Clusters,
    independent_difference as independent_difference,
    inestimable as inestimable,
)
from .curves import (
    PrecisionRecall as PrecisionRecall,
    ReliabilityBin as ReliabilityBin,
    Roc as Roc,
    at_probabilities as at_probabilities,
    precision_recall_curve as precision_recall_curve,
    reliability_bins as reliability_bins,
    roc_curve as roc_curve,
)
from .decisions.bands import (
    BAND_METHOD as BAND_METHOD,
    Band as Band,
    curve_bands as curve_bands,
)
from .decisions.decision_curve import (
    NetBenefit as NetBenefit,
    net_benefits as net_benefits,
)
from .decisions.partial_area import partial_auroc as partial_auroc
from .decisions.risk_coverage import (
    RiskCoverage as RiskCoverage,
    kept_by_sureness as kept_by_sureness,
)
from .group_tests import (
    areas_differ as areas_differ,
    holm as holm,
    shares_differ as shares_differ,
)
from .in_full.performance import (
    performance as performance,
    without_patients as without_patients,
)
from .kappa import (
    cohen_kappa as cohen_kappa,
    krippendorff_alpha as krippendorff_alpha,
)
from .monitors import (
    MONITORS as MONITORS,
    monitored as monitored,
)
from .operating_points import (
    OPERATING_POINTS as OPERATING_POINTS,
    choose_threshold as choose_threshold,
    operating_figures as operating_figures,
)
from .paired_tests import (
    Comparison as Comparison,
    areas as areas,
    mean_areas as mean_areas,
    shares as shares,
)
from .proportions import (
    likelihood_ratios as likelihood_ratios,
    mean_of_bounded as mean_of_bounded,
    predictive_values as predictive_values,
    proportion as proportion,
)
from .ranking import (
    areas_of_folds as areas_of_folds,
    auroc as auroc,
    log_odds as log_odds,
    mean_auroc as mean_auroc,
    placements as placements,
)
from .readers.advice import (
    AdviceEffect as AdviceEffect,
    advice_effects as advice_effects,
)
from .readers.agreement import (
    alpha_of_answers as alpha_of_answers,
    weighted_kappa as weighted_kappa,
)
from .readers.learning import (
    Learning as Learning,
    learning_over as learning_over,
)
from .readers.mrmc import (
    ROUNDING as ROUNDING,
    Analysis as Analysis,
    Contrast as Contrast,
    Mrmc as Mrmc,
    mrmc_analysis as mrmc_analysis,
)
from .readers.noninferiority import (
    NonInferiority as NonInferiority,
    non_inferiority as non_inferiority,
)
from .readers.power import (
    Planned as Planned,
    smallest_difference as smallest_difference,
    smallest_seen as smallest_seen,
)
from .readers.shares import (
    mean_of_readings as mean_of_readings,
    share_of_readings as share_of_readings,
)
from .verification import (
    verified_accuracy as verified_accuracy,
    verified_figures as verified_figures,
)
