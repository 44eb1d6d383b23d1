from .page import (
    decide as decide,
    open_reading as open_reading,
    show_case as show_case,
)
from .reading_session import Desk as Desk
