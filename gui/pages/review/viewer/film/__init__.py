"""The film on the screen: its levels, its window, what is measured and drawn on it, and the hand that moves it."""
