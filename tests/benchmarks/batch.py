"""A batch compared with a bare asyncio script, over loopback: rows per second, CPU and memory.

Both create, poll and download the same rows at the same concurrency, each against a new simulator
in a process of its own. The script keeps no record: killed, it would pay for all rows again.

    python tests/benchmarks/batch.py [ROWS] [CONCURRENCY] [ROUNDS]
"""

from __future__ import annotations

import asyncio
import contextlib
import multiprocessing
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from pathlib import Path

import httpx
from _results import report_figure

ROWS = int(sys.argv[1]) if len(sys.argv) > 1 else 500
CONCURRENCY = int(sys.argv[2]) if len(sys.argv) > 2 else 32
ROUNDS = int(sys.argv[3]) if len(sys.argv) > 3 else 1
TASK_TIME = 1.0
INTERVAL = 0.25
REFERENCE = "https://example.com/reference.png"
HEADERS = {"Authorization": "Bearer a-key", "X-Runway-Version": "2024-11-06"}


def serve(pipe: Connection) -> None:
    from cometapi_runway.simulator import SimulatorServer, Timings

    timings = Timings(invisible=0, pending=TASK_TIME / 4, running=TASK_TIME * 3 / 4, spread=0.1)
    with SimulatorServer(timings=timings, shape="raw", remembered_requests=1) as server:
        pipe.send(server.base_url)
        pipe.recv()
        pipe.send(len(server.gateway.charges))


@contextlib.contextmanager
def simulator() -> Iterator[str]:
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=serve, args=(theirs,))
    process.start()
    try:
        yield ours.recv()
    finally:
        ours.send(None)
        charges = ours.recv()
        process.join()
    assert charges == ROWS, f"{charges} charges for {ROWS} rows"


def run_script(base_url: str, folder: Path, _pipe: Connection) -> None:
    async def run_row(client: httpx.AsyncClient, number: int) -> None:
        body = {
            "promptText": f"row {number}",
            "model": "gen4_image",
            "ratio": "1280:720",
            "seed": number,
            "referenceImages": [{"uri": REFERENCE}],
        }
        response = await client.post("/runwayml/v1/text_to_image", json=body)
        task = response.raise_for_status().json()
        while task.get("status") != "SUCCEEDED":
            await asyncio.sleep(INTERVAL)
            response = await client.get(f"/runwayml/v1/tasks/{task['id']}")
            task = response.raise_for_status().json()
        async with client.stream("GET", task["output"][0], headers={"Authorization": ""}) as output:
            with (folder / f"row-{number}.png").open("wb") as file:
                async for chunk in output.aiter_bytes():
                    file.write(chunk)

    async def run() -> None:
        numbers = iter(range(ROWS))

        async def run_rows() -> None:
            for number in numbers:
                await run_row(client, number)

        async with httpx.AsyncClient(base_url=base_url, headers=HEADERS, timeout=60) as client:
            await asyncio.gather(*(run_rows() for _ in range(CONCURRENCY)))

    asyncio.run(run())


def run_batch(base_url: str, folder: Path, pipe: Connection) -> None:
    from cometapi_runway.batch import Batch

    with Batch("benchmark", folder, api_key="a-key", base_url=base_url) as batch:
        batch.add(
            {"id": f"row-{number}", "prompt_text": f"row {number}", "reference_images": [REFERENCE]}
            | {"operation": "text_to_image"}
            for number in range(ROWS)
        )
        added = time.perf_counter()
        results = batch.run(concurrency=CONCURRENCY, interval=INTERVAL)
        for count, _ in enumerate(results, 1):
            if count % 1000 == 0 or count == ROWS:
                megabytes = read_memory() / 2**20
                seconds = time.perf_counter() - added
                print(f"  {count:6} rows  {seconds:7.1f} s  {megabytes:6.1f} MiB", flush=True)


def read_memory() -> int:
    """The bytes of physical memory of this process."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096


def measure(work: Callable[[str, Path, Connection], None], base_url: str, pipe: Connection) -> None:
    with tempfile.TemporaryDirectory() as folder:
        wall, cpu = time.perf_counter(), time.process_time()
        work(base_url, Path(folder), pipe)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        files = len(list(Path(folder).glob("row-*.png")))
    assert files == ROWS, f"{files} files for {ROWS} rows"
    pipe.send((wall, cpu))


def run_alone(work: Callable[[str, Path, Connection], None]) -> tuple[float, float]:
    ours, theirs = multiprocessing.Pipe()
    with simulator() as base_url:
        process = multiprocessing.get_context("spawn").Process(
            target=measure, args=(work, base_url, theirs)
        )
        process.start()
        theirs.close()
        wall, cpu = ours.recv()
        process.join()
    return wall, cpu


def main() -> None:
    ratios: list[float] = []
    for _ in range(ROUNDS):
        script, script_cpu = run_alone(run_script)
        print(f"script {ROWS / script:6.1f} rows/s, {script_cpu / ROWS * 1000:.1f} ms CPU a row")
        batch, batch_cpu = run_alone(run_batch)
        print(f"batch  {ROWS / batch:6.1f} rows/s, {batch_cpu / ROWS * 1000:.1f} ms CPU a row")
        ratios.append(script / batch)
        print(f"throughput against the script: {ratios[-1]:.2f}")
    print(f"{ROWS} rows, {CONCURRENCY} at once: median ratio {statistics.median(ratios):.2f}")
    seconds = 1 / statistics.median(ratios)
    report_figure(f"batch of {ROWS:,} rows, {CONCURRENCY} at once", "bare asyncio script", seconds)


if __name__ == "__main__":
    main()
