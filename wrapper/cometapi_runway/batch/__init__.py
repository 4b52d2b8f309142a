"""Batches: many tasks from one manifest.

Inside, `_records` reads the file, `_templates` fills fields, `_rows` makes rows out of both,
`_output_names` keeps their files apart, and `_manifest` puts these together. `_check` validates a
manifest offline and estimates its cost. `_results` writes one line for each row that has ended.
"""
