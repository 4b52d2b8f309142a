"""Values that every other room uses: tasks, responses, JSON, redaction, the clock, partial files.

Nothing in here imports any other room, knows the network, or raises this package's errors.
"""
