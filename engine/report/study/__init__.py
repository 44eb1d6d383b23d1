"""What is printed of a study: protocol, who read what, what readers did without the model and with it."""
