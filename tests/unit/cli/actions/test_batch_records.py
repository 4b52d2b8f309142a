"""What the command line reads from the records of a batch, and says of it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from cometapi_runway.batch import RowResult
from cometapi_runway.cli._actions.batch_records import KnownBatch
from cometapi_runway.cli._actions.batch_run import _list_unknown, _make_interruption


def test_results_that_are_visible_late_are_not_missed() -> None:
    """Clocks of other machines differ, and a transaction may take a while."""
    asked: list[float] = []
    ends = iter([[100.0, 90.0], [], [120.0]])

    def read_results(_: str, since: float) -> Any:
        asked.append(since)
        return [(end, RowResult("a", "SUCCEEDED")) for end in next(ends)]

    store: Any = SimpleNamespace(read_results=read_results)
    known = KnownBatch("shots", store, store, store)
    counts = [len(list(known.read_new_results())) for _ in range(3)]
    assert counts == [2, 0, 1]
    assert asked[0] <= 0
    assert asked[1:] == [95.0, 95.0]


def test_unknown_rows_are_named_and_the_rest_counted() -> None:
    records = SimpleNamespace(format_settle_command=lambda *words: " ".join(map(str, words)))
    run: Any = SimpleNamespace(batch=SimpleNamespace(name="shots"), records=records)
    for count in (0, 1, 5, 6, 7):
        rows = [RowResult(f"row-{n}", "UNKNOWN", attempts=n) for n in range(count)]
        head, *lines = _list_unknown(run, rows) or [""]
        assert bool(head) is bool(count)
        expected = [f"  shots row-{n} {n}" for n in range(min(count, 5))]
        rest = {6: ["  and 1 other row"], 7: ["  and 2 other rows"]}
        assert lines == expected + rest.get(count, [])


def test_an_interruption_says_what_goes_on() -> None:
    for running, waiting, database, message in (
        (0, 1, None, "1 row waits"),
        (1, 0, None, "1 task continues at the gateway"),
        (2, 3, None, "2 tasks continue at the gateway, 3 rows wait"),
        (1, 2, "url", "1 task continues at the gateway, 2 rows wait, other workers go on"),
    ):
        status = SimpleNamespace(running=running, waiting=waiting)
        records = SimpleNamespace(database=database)
        run: Any = SimpleNamespace(records=records, resume_command="go on")
        progress: Any = SimpleNamespace(status=status)
        found = _make_interruption(run, progress)
        assert (str(found), found.advice) == (f"interrupted; {message}", "go on")
