"""Images from elsewhere: a run tested on them, and whether they are like those that it was trained with."""
