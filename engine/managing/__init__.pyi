from .deleting import (
    delete_data as delete_data,
    delete_run as delete_run,
    refuse_read_only as refuse_read_only,
)
from .dependents import (
    Dependents as Dependents,
    dependents_of_data as dependents_of_data,
    dependents_of_run as dependents_of_run,
)
