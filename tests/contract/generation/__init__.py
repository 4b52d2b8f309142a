"""Values drawn from a JSON schema, valid and invalid.

`value_source` draws them and is the only module that imports schemathesis. `schema_targets` lists
the choices that one schema leaves open, each with a narrower schema. Knows nothing of clients.
"""
