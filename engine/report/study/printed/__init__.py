"""What a study's report prints: its tables, sentences and figures, each number with an id, as a run's report has it."""
