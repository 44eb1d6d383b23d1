from . import markup as markup
from .background import Progress as Progress, Work as Work, WorkState as WorkState
from .downloads import TAKE_FILE as TAKE_FILE, new_folder as new_folder
from .error_messages import (
    answered as answered,
    sentence as sentence,
    shown as shown,
)
from .image_routes import (
    explanation as explanation,
    image_route as image_route,
    image_url as image_url,
    samples_of_run as samples_of_run,
    sizes_of_images as sizes_of_images,
)
from .invited import Invited as Invited
from .panes import static_pane as static_pane, web_file as web_file, worded as worded
from .roles import (
    ADMINISTRATOR as ADMINISTRATOR,
    INVITED as INVITED,
    ROLES as ROLES,
    ROLES_OF_PAGES as ROLES_OF_PAGES,
    ROUTES as ROUTES,
    keep_to as keep_to,
    may as may,
    rights_of as rights_of,
)
from .session import (
    AppSession as AppSession,
    open_session as open_session,
)
from .signed_addresses import (
    is_signed as is_signed,
    signed_address as signed_address,
)
from .tab_events import (
    arrival as arrival,
    chosen_here as chosen_here,
    meant_now as meant_now,
    tab_again as tab_again,
)
