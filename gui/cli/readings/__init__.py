"""Commands about readings: `overread readers` (who reads) and `overread audit` (whether what was written stands)."""
