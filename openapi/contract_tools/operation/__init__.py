"""Takes in the page of a new operation: overlay, samples, signature, resource and table row.

Knows the wrapper's files as text. Imports neither the wrapper nor its tests.
"""
