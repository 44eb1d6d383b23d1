"""What a bundle holds beside its numbers, held against what it is made from: its figures, its PDF and its Word file."""
