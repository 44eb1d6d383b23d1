"""For those who decide by a score: the part of the ROC curve that matters, net benefit, what may be left out."""
