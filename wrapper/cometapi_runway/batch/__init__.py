"""Batches: many tasks from one manifest.

Inside, `_records` reads the file, `_templates` fills fields, `_rows` makes rows out of both,
`_output_names` keeps their files apart, and `_manifest` puts these together. `_check` validates a
manifest offline and estimates its cost. `_results` writes one line for each row that has ended.

A run has five parts. `_coordinator` puts rows into the queue of `_engine`, DBOS, in chunks;
`_worker` runs a chunk's rows with `_row_runner`, and `_store` keeps their results, which the
coordinator writes to the results file. `_leases` tells which workers live. `_decisions` are pure.

`_report` groups and sums results, and `_report_page` makes them a page of `report.html.jinja`.
"""

from cometapi_runway.batch._batch import Batch, list_batches, work
from cometapi_runway.batch._check import Estimate, ManifestReport
from cometapi_runway.batch._manifest import Manifest
from cometapi_runway.batch._results import RowResult, RowStatus, read_results
from cometapi_runway.batch._status import BatchStatus

__all__ = [
    "Batch",
    "BatchStatus",
    "Estimate",
    "Manifest",
    "ManifestReport",
    "RowResult",
    "RowStatus",
    "list_batches",
    "read_results",
    "work",
]
