"""Which choices of the contract a run exercised.

`coverage_points` lists the choices of a schema and finds them in values; `covering_source` draws
values that cover all of them; `coverage_recorder` notes what each client covered;
`coverage_thresholds` compares the record with `coverage_thresholds.toml`. Runs no client.
"""
