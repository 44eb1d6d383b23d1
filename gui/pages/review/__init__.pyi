from .answering import decide as decide, show_case as show_case
from .opening import open_reading as open_reading
from .reading_session import Desk as Desk
