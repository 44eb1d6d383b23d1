"""Which images of a run look alike to its net: features kept with the run, and the nearest of them found."""
