from .columns.probabilities import (
    ProbabilityBlock as ProbabilityBlock,
    ProbabilityRow as ProbabilityRow,
    probabilities_of as probabilities_of,
)
from .data import (
    ELSEWHERE as ELSEWHERE,
    PART_NAMES as PART_NAMES,
    PARTS as PARTS,
    ROLES as ROLES,
    Answers as Answers,
    DataIssue as DataIssue,
    DataIssueKind as DataIssueKind,
    FilePath as FilePath,
    FolderName as FolderName,
    Index as Index,
    Part as Part,
    Role as Role,
    Sample as Sample,
    Split as Split,
    Whence as Whence,
    is_folder_name as is_folder_name,
    is_path as is_path,
)
from .estimates import (
    Estimate as Estimate,
    OperatingFigures as OperatingFigures,
)
from .external import (
    Compared as Compared,
    ExternalCase as ExternalCase,
    ExternalTest as ExternalTest,
    Retuned as Retuned,
)
from .labels import (
    FIRST_VERSION as FIRST_VERSION,
    LABEL_RULES as LABEL_RULES,
    DoubtedLabel as DoubtedLabel,
    LabelNumber as LabelNumber,
    LabelRow as LabelRow,
    LabelRule as LabelRule,
    LabelSearch as LabelSearch,
    LabelSearches as LabelSearches,
    LabelSource as LabelSource,
    LabelsUsed as LabelsUsed,
    LabelVersion as LabelVersion,
    in_words as in_words,
)
from .passports import (
    Disturbed as Disturbed,
    MapFigure as MapFigure,
    Passport as Passport,
    Robustness as Robustness,
)
from .proposals import (
    Choice as Choice,
    Level as Level,
    NameCount as NameCount,
    Proposal as Proposal,
    Question as Question,
    TableOffer as TableOffer,
)
from .readings import (
    READER_ROLES as READER_ROLES,
    SHAPES as SHAPES,
    Region as Region,
    Review as Review,
    Verdict as Verdict,
)
from .recipes import (
    Augmentation as Augmentation,
    Balance as Balance,
    Expected as Expected,
    Fit as Fit,
    Head as Head,
    Phase as Phase,
    Recipe as Recipe,
)
from .runs import (
    PASSES as PASSES,
    Calibration as Calibration,
    Conformal as Conformal,
    Epoch as Epoch,
    Explanation as Explanation,
    Injection as Injection,
    MapGrid as MapGrid,
    MapSettings as MapSettings,
    Prediction as Prediction,
    Run as Run,
    Seconds as Seconds,
    Uncertainty as Uncertainty,
    UncertaintyModel as UncertaintyModel,
    class_argued_for as class_argued_for,
    edge_of as edge_of,
    margin_of as margin_of,
    recipe_of as recipe_of,
)
from .shift import (
    SHIFT_FEWEST as SHIFT_FEWEST,
    SHIFT_LEVEL as SHIFT_LEVEL,
    SHIFT_SHARE as SHIFT_SHARE,
    UNLIKE_FROM as UNLIKE_FROM,
    SetShift as SetShift,
    ShiftModel as ShiftModel,
    is_unlike as is_unlike,
)
from .supplied import (
    MAP_AS_SUPPLIED as MAP_AS_SUPPLIED,
    Supplied as Supplied,
)
from .weights import (
    ENDPOINTS as ENDPOINTS,
    FixedEndpoint as FixedEndpoint,
    Seed as Seed,
    Share as Share,
    TrainingRequest as TrainingRequest,
    WeightsOrigin as WeightsOrigin,
)
