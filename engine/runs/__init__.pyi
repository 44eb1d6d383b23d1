from .alike.features import (
    FITTED_ON as FITTED_ON,
    Alike as Alike,
    AlikeImage as AlikeImage,
    fit_alike as fit_alike,
    load_alike as load_alike,
    nearest as nearest,
    save_alike as save_alike,
)
from .beginning import run_to_begin_with as run_to_begin_with
from .folder import (
    endpoints_of as endpoints_of,
    find_run as find_run,
    find_trained as find_trained,
    fix_endpoint as fix_endpoint,
    list_runs as list_runs,
    load_classifier as load_classifier,
    load_run as load_run,
    load_uncertainty as load_uncertainty,
    new_run_id as new_run_id,
    save_run as save_run,
    save_uncertainty as save_uncertainty,
    settings_of as settings_of,
    split_of as split_of,
    tested_before as tested_before,
)
from .folds import (
    fold_folders as fold_folders,
    models_of as models_of,
    tested_by as tested_by,
    validated_on as validated_on,
)
from .heatmaps import (
    load_explanations as load_explanations,
    load_map_settings as load_map_settings,
    save_explanations as save_explanations,
    save_map_settings as save_map_settings,
)
from .history import (
    append_epoch as append_epoch,
    kept_epoch as kept_epoch,
    load_history as load_history,
    write_history as write_history,
)
from .kept_maps import KeptMaps as KeptMaps
from .passports import (
    load_passport as load_passport,
    load_robustness as load_robustness,
    passport_of as passport_of,
    save_passport as save_passport,
    save_robustness as save_robustness,
)
from .shift import (
    distances_by_model as distances_by_model,
    load_distances as load_distances,
    load_distances_by_model as load_distances_by_model,
    load_known as load_known,
    load_shift as load_shift,
    save_distances as save_distances,
    save_shift as save_shift,
    with_distances as with_distances,
)
from .sizes import (
    save_sizes as save_sizes,
    sizes_of_run as sizes_of_run,
)
from .software import environment as environment
from .sources import (
    load_sources as load_sources,
    save_source as save_source,
)
from .supplied import (
    SUPPLIED_FILE as SUPPLIED_FILE,
    load_supplied as load_supplied,
    save_supplied as save_supplied,
)
