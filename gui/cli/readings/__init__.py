"""Commands about readings: who reads, who may sign in, whether what was written stands."""
