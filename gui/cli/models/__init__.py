"""What models begin with and what becomes of them: starting weights in, a finished run out to other programs.

In: command lines. Out: what `engine.models` and `engine.handover` return, in words or as JSON.
"""
