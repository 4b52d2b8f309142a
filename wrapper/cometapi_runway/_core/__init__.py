"""Values that the other packages use: tasks, responses, JSON, redaction, clock, partial files.

Nothing in here imports another package of the wrapper, uses the network, or raises this package's
errors.
"""
