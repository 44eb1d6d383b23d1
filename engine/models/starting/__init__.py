"""Starting points: weights from files, in the layouts that they are published in, and those added to a workspace."""
