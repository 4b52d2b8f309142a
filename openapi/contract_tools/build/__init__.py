"""The contract: vendored pages merged, overlays applied, the result checked.

Does not know the generator, and writes no file.
"""
