"""Runs a batch of so many rows until it is complete, or until the process is killed.

python run_batch.py FOLDER BASE_URL ROWS CONCURRENCY [DATABASE [NAME]]
"""

from __future__ import annotations

import sys

from cometapi_runway.batch import Batch, _decisions, _engine, _leases

REFERENCES = ["https://example.com/reference.png"]

# A worker that is gone is noticed within seconds.
_engine._LEASE_INTERVAL = 0.5  # type: ignore[misc]
_leases.PostgresLease.grace = 3.0
# Slots become free soon, for workers that come later.
_decisions._MAX_CHUNK = 2  # type: ignore[misc]


def main(
    folder: str, base_url: str, rows: str, concurrency: str, database: str | None = None
) -> None:
    with Batch(
        "crash", f"{folder}/out", data=f"{folder}/data", database=database,
        api_key="a-key", base_url=base_url,
    ) as batch:  # fmt: skip
        batch.add(
            {
                "id": f"row-{number}",
                "operation": "text_to_image",
                "prompt_text": f"row {number}",
                "reference_images": REFERENCES,
            }
            for number in range(int(rows))
        )
        print("added", flush=True)
        for result in batch.run(concurrency=int(concurrency), interval=0.1):
            print(result.id, result.status, flush=True)
    print("complete", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
