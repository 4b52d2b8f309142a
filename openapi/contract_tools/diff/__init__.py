"""The comparison of two OpenAPI documents, and the reports of `make vendor` and `make spec-diff`.

`compare` finds the changes, `judge` decides what each means for requests and responses. Does not
know the generator; the Python names in a report follow its rules and are tested against its output.
"""
