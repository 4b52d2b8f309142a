"""What the simulator replies, as values: HTTP replies, the documented task shapes, refusals.

Nothing in here knows requests, stored tasks, rules or sockets.
"""
