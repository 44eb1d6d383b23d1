from .cases import external_cases as external_cases
from .comparison import (
    ExternalTest as ExternalTest,
    compare_with_internal as compare_with_internal,
)
from .page import (
    external_document as external_document,
    write_external as write_external,
)
