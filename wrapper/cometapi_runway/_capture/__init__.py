"""Keeps responses whose shape the contract does not describe, as files of the corpus.

`_recorder` watches responses; `_shapes` reduces each to its shape, `_redact` hides its values,
`_corpus_file` writes the file, and `_drift` reads files and groups them by what the contract lacks.
"""
