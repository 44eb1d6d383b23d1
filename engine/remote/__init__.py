"""Images that are elsewhere: the one door through which an address becomes a folder or table of the workspace.

In: the address of a DICOMweb server (`engine.pacs`), or of a store that fsspec reaches: s3, gcs, sftp. Out: files in
the workspace that are indexed like any other, fetched once, and what did not come; or a finished run among its runs.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
