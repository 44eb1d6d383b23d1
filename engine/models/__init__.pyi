from .backbone import (
    BACKBONES as BACKBONES,
    TimmBackbone as TimmBackbone,
    build_backbone as build_backbone,
)
from .cell_centres import (
    Axis as Axis,
    CellCentres as CellCentres,
    Grid as Grid,
    follow_cells as follow_cells,
)
from .classifier import (
    Classifier as Classifier,
    build_classifier as build_classifier,
    load_pretrained as load_pretrained,
)
from .device import (
    COMPILE_VARIABLE as COMPILE_VARIABLE,
    autocast as autocast,
    compiled as compiled,
    device_name as device_name,
    half_precision as half_precision,
    pick_device as pick_device,
    thread_on as thread_on,
)
from .fine_stage import (
    FineStage as FineStage,
    find_fine_stage as find_fine_stage,
)
from .folding import folded as folded
from .frozen import (
    Frozen as Frozen,
    FrozenPart as FrozenPart,
    cut_behind_backbone as cut_behind_backbone,
    find_frozen_part as find_frozen_part,
    kept_shape as kept_shape,
)
from .last_map import (
    fast_last_map as fast_last_map,
    fast_layers as fast_layers,
    own_layers as own_layers,
)
from .nets.layers import (
    ACTIVATIONS as ACTIVATIONS,
    INITIALISERS as INITIALISERS,
)
from .openvino import (
    WORTH_CONVERTING as WORTH_CONVERTING,
    Features as Features,
    fast_features as fast_features,
    in_unit as in_unit,
)
from .starting.added import (
    AddedWeights as AddedWeights,
    added_weights as added_weights,
)
from .starting.fitting import (
    Fit as Fit,
    fit_of as fit_of,
    kept_in as kept_in,
    load_weights as load_weights,
    read_weights as read_weights,
)
from .starting.layouts import LAYOUTS as LAYOUTS
from .starting.present import starting_weights_at_hand as starting_weights_at_hand
from .starting.shelf import (
    Checked as Checked,
    add_weights as add_weights,
    check_weights as check_weights,
    find_file as find_file,
)
from .trainable import (
    count_parameters as count_parameters,
    len_parameters as len_parameters,
    rate_groups as rate_groups,
    set_trainable as set_trainable,
    trained_parameters as trained_parameters,
)
from .weights import (
    PACKAGED as PACKAGED,
    file_digest as file_digest,
    find_weights as find_weights,
    missing as missing,
    packaged_file as packaged_file,
    state_digest as state_digest,
)
