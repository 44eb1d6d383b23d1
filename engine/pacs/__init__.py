"""Where images live: an archive of a hospital asked and answered in its own language, DICOM.

In: the address of a DICOMweb server, or what an archive pushes. Out: image files in a folder that is indexed like any
other; and what a run predicted and readers said, as DICOM objects that an archive takes.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
