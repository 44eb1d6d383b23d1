from .body import body_mask as body_mask
from .evidence import (
    EVIDENCE as EVIDENCE,
    Evidence as Evidence,
    EvidenceMaps as EvidenceMaps,
    grids_of as grids_of,
)
from .faithfulness import (
    POINTING_TOLERANCE as POINTING_TOLERANCE,
    chance_level as chance_level,
    deletion_insertion as deletion_insertion,
    energy_inside as energy_inside,
    forget as forget,
    pointing_game as pointing_game,
    random_places as random_places,
    rank_correlations as rank_correlations,
)
from .heatmap import (
    MapLegend as MapLegend,
    colour_tables as colour_tables,
    css_gradient as css_gradient,
    heatmap_png as heatmap_png,
    levels_png as levels_png,
    map_legend as map_legend,
    upsample as upsample,
)
from .method_record import Method as Method
from .methods import (
    DEFAULT_SALIENCY as DEFAULT_SALIENCY,
    SALIENCIES as SALIENCIES,
    explain as explain,
    grad_cam as grad_cam,
    normalise as normalise,
    placed as placed,
)
from .picture import picture_with_map as picture_with_map
from .placing import (
    Extent as Extent,
    Placing as Placing,
    measured_grids as measured_grids,
    within as within,
)
from .regions import corners as corners, region_mask as region_mask
from .verdicts import (
    ALIKE as ALIKE,
    CHECKS as CHECKS,
    FEWEST as FEWEST,
    FIGURES as FIGURES,
    MOSTLY as MOSTLY,
    Answer as Answer,
    answer as answer,
    failed as failed,
    figures_of as figures_of,
    verdict as verdict,
)
