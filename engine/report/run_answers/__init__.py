"""What the report of a run can say to a checklist: a function each, and the table of subjects that items name."""
