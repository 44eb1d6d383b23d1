from .files import study_routes as study_routes
