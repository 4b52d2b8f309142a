"""One more worker for the batches of a database, until the process is killed.

python work_on_batches.py DATABASE BASE_URL NUMBER
"""

from __future__ import annotations

import sys

from cometapi_runway.batch import _engine, _leases, work

# A worker that is gone is noticed within seconds.
_engine._LEASE_INTERVAL = 0.5  # type: ignore[misc]
_leases.PostgresLease.grace = 3.0

if __name__ == "__main__":
    _engine.draw_worker_number = lambda: sys.argv[3]
    work(sys.argv[1], api_key="a-key", base_url=sys.argv[2])
