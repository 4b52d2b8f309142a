"""What the spend ledger adds to a create: keys, budgets, and a PostgreSQL journal's round trips.

The gateway responds immediately without a network, so that what remains is the client and its
journal, whose commits are on disk. In a journal with 20,000 earlier submissions, a create with an
idempotency key may take 1.15 times as long as one without; both alternate, create by create, and
the ratio is that of each round. A PostgreSQL journal is reached through a proxy that counts the
round trips of each entry: at most two. Budgets are measured in scopes with 10,000 and 50,000
earlier submissions, which each create adds up.

Without PostgreSQL's programs, only SQLite is measured.

    python tests/benchmarks/ledger.py [ROUNDS] [CREATES]
"""

from __future__ import annotations

import contextlib
import itertools
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path

import httpx
from _results import report_figure

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "wrapper"), str(ROOT / "generated")]

from tests.counting_proxy import CountingProxy  # noqa: E402  the path is set above
from tests.postgres_server import (  # noqa: E402  as above
    PostgresServer,
    find_binaries,
    start_own_server,
)

from cometapi_runway import Budget, Journal, RunwayClient  # noqa: E402  as above
from cometapi_runway._core.submission_failure import SubmissionFailureReason  # noqa: E402
from cometapi_runway._core.task import Task  # noqa: E402
from cometapi_runway._flows.entries import (  # noqa: E402
    NO_RESERVATION,
    Entry,
    IdempotencyKey,
    OutputRequested,
    OutputSaved,
    Reservation,
    SubmissionAccepted,
    SubmissionFailed,
    SubmissionStarted,
    TaskEnded,
    TaskMissing,
)
from cometapi_runway._flows.prepared_request import PreparedRequest  # noqa: E402
from cometapi_runway.journal._backend import Statement  # noqa: E402

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 20
CREATES = int(sys.argv[2]) if len(sys.argv) > 2 else 25
MAX_RATIO = 1.15
MAX_ROUND_TRIPS = 2
EARLIER = (0, 10_000, 50_000)
EARLIER_KEYS = 20_000
BASE_URL = "https://api.cometapi.com"
SCOPE = "benchmark"
VIDEO = "https://example.com/clip.mp4"

names = map(str, itertools.count())


def accept(_request: httpx.Request) -> httpx.Response:
    """Accept every request, each with a task of its own."""
    return httpx.Response(200, json={"id": f"task-{next(names)}"})


def open_client(journal: str | Path, budget: Budget | None = None) -> RunwayClient:
    """A client whose gateway responds immediately."""
    return RunwayClient(
        "sk-benchmark", transport=httpx.MockTransport(accept), journal=journal, budget=budget
    )


def measure(work: dict[str, Callable[[], object]]) -> dict[str, list[float]]:
    """Return the microseconds of each kind of create, one figure per round.

    The kinds alternate create by create, so that load on the machine affects all of them alike.
    """
    figures: dict[str, list[float]] = {name: [] for name in work}
    for number in range(ROUNDS + 1):
        taken = dict.fromkeys(work, 0.0)
        for create in range(CREATES):
            order = list(work)
            for name in order[create % len(order) :] + order[: create % len(order)]:
                start = time.perf_counter()
                work[name]()
                taken[name] += time.perf_counter() - start
        # The first round warms up.
        for name, seconds in taken.items() if number else ():
            figures[name].append(seconds / CREATES * 1e6)
    return figures


def report(figures: dict[str, list[float]]) -> float:
    """Print each kind's median and its ratio to the first; return the last one's ratio."""
    base = next(iter(figures.values()))
    ratio = 1.0
    for name, values in figures.items():
        ratio = statistics.median(one / first for one, first in zip(values, base, strict=True))
        print(f"  {name:40}{statistics.median(values):9.0f} us{ratio:8.2f}")
    return ratio


def measure_keys(journal: str | Path) -> float:
    """Creates without and with an idempotency key, in one journal with many earlier ones."""
    add_submissions(journal, EARLIER_KEYS)
    with open_client(journal) as client:
        create = client.video_upscale.create
        return report(
            measure({
                "create with a journal": lambda: create(video_uri=VIDEO),
                "and an idempotency key": lambda: create(
                    video_uri=VIDEO, idempotency_key=f"key-{next(names)}"
                ),
            })
        )  # fmt: skip


def measure_budgets(locations: list[str | Path]) -> None:
    """Creates with a budget, in journals whose scopes have ever more earlier submissions."""
    budget = Budget(
        max_cost="1000000", max_tasks=10**6, scope=SCOPE, prices={"video_upscale": "0.5"}
    )
    with contextlib.ExitStack() as stack:
        plain = stack.enter_context(open_client(locations[0]))
        work: dict[str, Callable[[], object]] = {
            "create with a journal": lambda: plain.video_upscale.create(video_uri=VIDEO)
        }
        for count, location in zip(EARLIER, locations, strict=True):
            add_submissions(location, count)
            client = stack.enter_context(open_client(location, budget))
            work[f"and a budget, {count:,} earlier"] = lambda client=client: (
                client.video_upscale.create(video_uri=VIDEO)
            )
        report(measure(work))


def add_submissions(location: str | Path, count: int) -> None:
    """Copy one submission of the scope so many times, each with a key of its own."""
    journal = Journal(location)
    start = make_start(Reservation(Decimal("0.5"), SCOPE, None, 10**6))
    journal.write(start, BASE_URL)
    journal.write(SubmissionAccepted(start.key, f"task-{start.key}"))
    columns = (
        "operation, arguments, fingerprint, route, base_url, created_at, process, scope, price"
    )
    backend = journal._database.backend
    copy = f"""WITH RECURSIVE copy (number) AS (
            SELECT 0 WHERE :limit > 0
            UNION ALL SELECT number + 1 FROM copy WHERE number + 1 < :limit
        )
        INSERT INTO submission (key, task_id, idempotency_key, request_digest, state, {columns})
        SELECT 'copy-' || number, 'copied-task-' || number, 'copied-key-' || number, 'digest',
            CASE number % 10 WHEN 0 THEN 'REFUSED' WHEN 1 THEN 'SUBMITTED' ELSE 'SUCCEEDED' END,
            {columns} FROM submission, copy WHERE key = :key"""  # noqa: S608 - literals
    backend.execute([Statement(copy, {"limit": count, "key": start.key})], 60)
    journal.close()


def make_start(
    reservation: Reservation = NO_RESERVATION, own_key: IdempotencyKey | None = None
) -> SubmissionStarted:
    """An intent."""
    call = PreparedRequest("upscale_a_video", "POST", "/runwayml/v1/video_upscale", {}, {"seed": 1})
    return SubmissionStarted(
        key=f"journal-key-{next(names)}",
        call=call,
        route="tasks",
        seed=1,
        idempotency_key=own_key,
        reservation=reservation,
        label="shoes/row-17",
    )


def list_entries() -> Iterator[tuple[str, Entry]]:
    """Every kind of entry, with a name."""
    within = Reservation(Decimal("0.5"), SCOPE, Decimal(10**6), 10**6)
    plain, failed = make_start(), make_start()
    yield "an intent", plain
    yield "an intent with a key", make_start(own_key=IdempotencyKey(f"key-{next(names)}", "digest"))
    yield (
        "an intent with key and budget",
        make_start(within, IdempotencyKey(f"key-{next(names)}", "digest")),
    )
    task = Task(id=f"task-{plain.key}", status="SUCCEEDED", operation="upscale_a_video")
    yield "an accepted task", SubmissionAccepted(plain.key, task.id)
    yield "an intent, again", failed
    yield "a refusal", SubmissionFailed(failed.key, True, SubmissionFailureReason.QUOTA)
    yield "an output to save", OutputRequested(task.id, 0, Path("out"), 4)
    yield "an ended task", TaskEnded(task)
    yield "a saved output", OutputSaved(task.id, 0, Path("out/a.mp4"), 17)
    yield "a missing task", TaskMissing(task.id)


def count_round_trips(server: PostgresServer, database: str) -> int:
    """Print the round trips of each entry, the most of several times; return the largest."""
    proxy = CountingProxy(server.folder / ".s.PGSQL.5432")
    journal = Journal(proxy.url(database))
    found: dict[str, list[int]] = {}
    for _ in range(12):
        for name, entry in list_entries():
            before = proxy.round_trips
            assert journal.write(entry, BASE_URL) is None
            found.setdefault(name, []).append(proxy.round_trips - before)
    before = proxy.round_trips
    taken = make_start(own_key=IdempotencyKey("taken", "digest"))
    journal.write(taken, BASE_URL)
    before = proxy.round_trips
    assert journal.write(make_start(own_key=taken.idempotency_key), BASE_URL) is not None
    conflict = proxy.round_trips - before
    journal.close()
    for name, counts in found.items():
        print(f"  {name:40}{max(counts):3}")
    print(f"  {'a key that is taken: nothing is written':40}{conflict:3}")
    return max(map(max, found.values()))


def main() -> int:
    """Print the figures; return 1 if one exceeds its limit."""
    limit = f"at most {MAX_RATIO}"
    with tempfile.TemporaryDirectory() as folder:
        print(f"SQLite, medians of {ROUNDS} rounds of {CREATES} creates; the last ratio: {limit}")
        ratio = measure_keys(Path(folder) / "keys")
        print("SQLite, budgets")
        measure_budgets([Path(folder) / f"budget-{count}" for count in EARLIER])
    report_figure("create with a key, SQLite", "create with a journal", ratio, MAX_RATIO)
    if find_binaries() is None:
        print("PostgreSQL's programs are missing: its journal is not measured")
        return int(ratio > MAX_RATIO)
    with start_own_server() as server:
        databases = ["keys", "trips", *(f"budget_{count}" for count in EARLIER)]
        for database in databases:
            server.execute(f"CREATE DATABASE {database}")
        print(f"PostgreSQL on a local socket; the last ratio: {limit}")
        postgres_ratio = measure_keys(server.url("keys"))
        print("PostgreSQL, budgets")
        measure_budgets([server.url(f"budget_{count}") for count in EARLIER])
        print(f"PostgreSQL, round trips of an entry; at most {MAX_ROUND_TRIPS}")
        round_trips = count_round_trips(server, "trips")
    peer = "create with a journal"
    report_figure("create with a key, PostgreSQL", peer, postgres_ratio, MAX_RATIO)
    report_figure("entry in PostgreSQL", "", round_trips, MAX_ROUND_TRIPS, "round trips")
    missed = max(ratio, postgres_ratio) > MAX_RATIO or round_trips > MAX_ROUND_TRIPS
    return int(missed)


if __name__ == "__main__":
    raise SystemExit(main())
