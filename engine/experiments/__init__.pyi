from .asked.control import (
    begin_experiment as begin_experiment,
    experiment_folder as experiment_folder,
    experiment_status as experiment_status,
    experiments as experiments,
    go_on_experiment as go_on_experiment,
    stop_experiment as stop_experiment,
)
from .asked.files import (
    Asked as Asked,
    ExperimentStatus as ExperimentStatus,
    Found as Found,
    load_asked as load_asked,
    load_found as load_found,
)
from .before_after import compare_before_after as compare_before_after
from .bundle.formats import (
    check_formats as check_formats,
    export_comparison as export_comparison,
)
from .bundle.packing import (
    pack_comparison as pack_comparison,
    write_comparison_bundle as write_comparison_bundle,
)
from .bundle.verifying import verify as verify
from .comparison import (
    Contestant as Contestant,
    RunComparison as RunComparison,
    compare_runs as compare_runs,
)
from .comparison_page import (
    document as document,
    where_different as where_different,
    write_comparison as write_comparison,
)
from .finished import compare_finished as compare_finished
from .learning_curve import (
    FEWEST_SIZES as FEWEST_SIZES,
    LearningCurve as LearningCurve,
    Trained as Trained,
    fit_learning_curve as fit_learning_curve,
)
from .learning_curve_page import (
    curve_document as curve_document,
    write_learning_curve as write_learning_curve,
)
from .loop import (
    Attempt as Attempt,
    Entry as Entry,
    compare_entries as compare_entries,
    entries_of as entries_of,
    train_entries as train_entries,
    train_entries_on as train_entries_on,
)
from .search import (
    Search as Search,
    Trial as Trial,
    best_of as best_of,
    run_trials as run_trials,
    save_best as save_best,
    search_of as search_of,
    trials_of as trials_of,
)
from .search_on_cluster import run_trials_on as run_trials_on
from .search_space import varied_fields as varied_fields
from .sizes import (
    sizes_of_curve as sizes_of_curve,
    trained_on_sizes as trained_on_sizes,
)
