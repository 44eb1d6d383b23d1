"""What a report says of itself before any figure: its design in a line, and whether it is final."""
