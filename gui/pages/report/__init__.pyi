from .computed import load_what_computes as load_what_computes
