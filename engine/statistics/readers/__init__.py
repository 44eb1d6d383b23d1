"""Statistics of reader studies: several readers, the same cases, with the machine's answer and without."""
