"""Output files: one clip and one picture for each common frame shape, drawn by ``make media``.

Nothing in here knows tasks or HTTP.
"""
