from .cache import (
    ImageCache as ImageCache,
    open_cache as open_cache,
    trim_images as trim_images,
)
from .decoded import (
    Decoded as Decoded,
    Remark as Remark,
)
from .decoder import (
    IMAGE_SUFFIXES as IMAGE_SUFFIXES,
    VERSION as VERSION,
    decode as decode,
)
from .files import (
    file_kind as file_kind,
    read_bytes as read_bytes,
    read_unchanged as read_unchanged,
)
from .formats.dicom import (
    KEPT_TAGS as KEPT_TAGS,
    WRITER as WRITER,
)
from .kept_films import (
    kept_film_levels as kept_film_levels,
)
from .kinds import (
    ARCHIVES as ARCHIVES,
    HEAD_BYTES as HEAD_BYTES,
    READ as READ,
    REMEDIES as REMEDIES,
    FileKind as FileKind,
    kind_of as kind_of,
)
from .pictures import (
    film_levels as film_levels,
    image_png as image_png,
    kept_image as kept_image,
    kept_thumbnail as kept_thumbnail,
)
from .tensors import (
    load_image as load_image,
    load_unchanged as load_unchanged,
    placed_in_square as placed_in_square,
)
from .threads import (
    FILES_PER_TASK as FILES_PER_TASK,
    in_order as in_order,
)
