"""Copies of one image under several names, whatever was done to them; `looks` and `near` say how they are found."""
