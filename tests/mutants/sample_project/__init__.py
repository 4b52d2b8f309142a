"""`python -m tests.mutants.toy FOLDER [argument …]`: the runner over an invented package.

Everything is the runner's own but what it is let loose on, and its patience. What the package is,
what its suite looks at and which defects are seeded stand in the folder; see `test_toy`.
"""
