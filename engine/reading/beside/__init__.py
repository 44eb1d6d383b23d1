"""What comes beside an answer: it is taken back, a case is flagged, readers differ, and every row is exported."""
