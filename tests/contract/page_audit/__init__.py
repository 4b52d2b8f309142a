"""The pages against themselves: do their samples, examples and words keep to their own schemas?

`samples` reads the code samples, `prose` the descriptions; `examine` turns both, and the examples
and defaults, into claims that hold of a contract or do not; `settle` says which overlay ended
each, and `findings.toml` gives the reason for every one that none has.
"""
