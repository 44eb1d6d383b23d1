"""What a study's report is computed from, as the workspace has it and with numbers for names."""
