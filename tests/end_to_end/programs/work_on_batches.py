"""One more worker for the batches of a database, until the process is killed.

python work_on_batches.py DATABASE BASE_URL
"""

from __future__ import annotations

import sys

from cometapi_runway.batch import work

if __name__ == "__main__":
    work(sys.argv[1], api_key="a-key", base_url=sys.argv[2])
