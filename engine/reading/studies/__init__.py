"""Studies: readings by a protocol. Who reads which cases, in which arm and order, knowing what, and what came of it.

In: a protocol and images. Out: for each reader the next case, and answers with what was on the screen before each.
"""
