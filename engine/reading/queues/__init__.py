"""Queues: which cases come to a reader and in what order; the statements they take, and the store's methods on them."""
