from .faithfulness import (
    pointing_game as pointing_game,
)
from .heatmap import heatmap_png as heatmap_png
from .methods import (
    DEFAULT_SALIENCY as DEFAULT_SALIENCY,
    SALIENCIES as SALIENCIES,
    explain as explain,
    grad_cam as grad_cam,
    normalise as normalise,
)
