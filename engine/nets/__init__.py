"""Published nets that timm lacks, one a file."""
