"""Commands about readings: who reads, who may sign in, studies, labels, whether what was written stands."""
