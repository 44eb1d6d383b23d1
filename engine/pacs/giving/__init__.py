"""DICOM out: what a run predicted, where it looked and what readers said, as objects that an archive takes."""
