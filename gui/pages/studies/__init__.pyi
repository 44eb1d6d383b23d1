from .files import study_route as study_route
