"""Messages out: what happened, to whom it matters, through channels that may be slow, down or gone.

Nothing is imported here: the process that sends starts in this package and must start quickly.
"""
