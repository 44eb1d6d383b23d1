"""What this computer has of what Overread needs, one check a line."""
