"""The audit of the documentation pages: do samples, examples and descriptions match the schema?

`code_samples` parses the code samples, `description_rules` the descriptions. `claims` turns both,
and the examples and defaults, into claims that a contract contradicts or not. `findings` says which
overlay action resolved each contradiction; `open_findings.toml` gives the reason for open ones.
"""
