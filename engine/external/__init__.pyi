from .cases import external_cases as external_cases
from .comparison import compare_with_internal as compare_with_internal
from .copies import with_copies_said as with_copies_said
from .kept import (
    abroad_of as abroad_of,
    keep_external as keep_external,
    kept_externals as kept_externals,
)
