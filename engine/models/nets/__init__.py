"""Published nets that timm lacks, one a file, the catalogue of them, and layers by name."""
