from .augmentation import Augmenter as Augmenter
from .builtin import (
    PLANS as PLANS,
    PURPOSES as PURPOSES,
    RECIPES as RECIPES,
    Plan as Plan,
)
from .changes import (
    augmentation_is_none as augmentation_is_none,
    changes_of_copies as changes_of_copies,
)
from .check import (
    check_recipe as check_recipe,
    check_sides as check_sides,
)
from .class_balance import (
    BALANCERS as BALANCERS,
    Balanced as Balanced,
    balanced_prior as balanced_prior,
    balanced_rows as balanced_rows,
    class_counts as class_counts,
    counts_after as counts_after,
    focal_loss as focal_loss,
)
from .fields import (
    field_schema as field_schema,
    registries as registries,
)
from .label_mixing import (
    label_mixer as label_mixer,
    mixes_images as mixes_images,
)
from .optimizers import (
    OPTIMIZERS as OPTIMIZERS,
    l1_penalty as l1_penalty,
)
from .recipe import (
    change_recipe as change_recipe,
    find_recipe as find_recipe,
    load_recipe as load_recipe,
    recipe_from_json as recipe_from_json,
    recipe_from_values as recipe_from_values,
    recipe_to_json as recipe_to_json,
)
from .saved import (
    keep_own as keep_own,
    named_recipe as named_recipe,
    own_recipes as own_recipes,
    recipe_choices as recipe_choices,
    recipe_purposes as recipe_purposes,
    recipe_words as recipe_words,
    save_own as save_own,
)
from .schedules import SCHEDULES as SCHEDULES
