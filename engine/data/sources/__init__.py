"""Sources: what is brought beside a folder of images, which is a table of them or an archive.

In: a file. Out: an archive's files in a folder of their own; a table's rows, each with the file that it means.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
