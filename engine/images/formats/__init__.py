"""One module for each family of formats: bytes in; eight bits, upright, bone bright, and what is odd, out.

`engine.images.decoder` chooses among them by a file's first bytes.
"""
