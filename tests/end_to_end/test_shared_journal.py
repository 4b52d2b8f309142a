"""Processes that share a journal, on both backends: one key buys one task, and a budget holds.

`programs/shared_journal.py` forks the processes. SIGKILL comes at every step of a submission, which
the code lists, and at random moments. COMETAPI_CRASH_ROUNDS=50 kills more of them.
"""

from __future__ import annotations

import json
import os
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from random import Random
from tempfile import TemporaryFile
from typing import Any

import pytest
from attrs import frozen

from cometapi_runway import Journal
from cometapi_runway.simulator import Fault, SimulatorServer, When

from . import preloaded_python
from .programs import shared_journal
from .programs.shared_journal import Job, Plan, Worker

PROGRAM = Path(shared_journal.__file__)
# What a create loads, in every process.
MODULES = ("psycopg", shared_journal.__name__, "tests.end_to_end.programs.used_client")
ROUNDS = int(os.environ.get("COMETAPI_CRASH_ROUNDS", "1"))
KEYS = 120
# The steps of a submission, and which time a process dies at most; those that happen to few keys
# are not waited for. The test compares the steps with what the processes did.
LATEST = {
    "Record SubmissionStarted": 4,
    "Send create": 3,
    "Sleep": 1,
    "Record SubmissionAccepted": 3,
    "Record SubmissionFailed": 1,
}
POINTS = list(LATEST)
REFUSED = Fault("status", status=400, message="no such style", when=When(every=9))
# The gateway has charged, and the client cannot know it.
CHARGED_AND_LOST = (
    Fault("reset", acted=True, when=When(every=13)),
    Fault("status", status=503, acted=True, when=When(every=29)),
)
# Nothing was charged, and the client cannot know it either.
LOST = Fault("reset", when=When(every=17))
# The answer is damaged, but names the task.
DAMAGED = Fault("cut", when=When(every=19))
SLOWED = Fault("rate_limit", retry_after=0.01, when=When(every=7))
FAULTS = (REFUSED, *CHARGED_AND_LOST, LOST, DAMAGED, SLOWED)
PRICES = {"text_to_image": "0.32", "image_to_video": "0.45", "video_upscale": "0.17"}
PICTURE = "https://example.com/face.png"

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="fork and SIGKILL are POSIX")


@pytest.fixture(params=["SQLite", "PostgreSQL"])
def journal(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The location of an empty journal."""
    if request.param == "SQLite":
        return str(tmp_path / "journal")
    url: str = request.getfixturevalue("postgres_url")
    return url


@frozen
class Outcome:
    """What the processes of a plan reported.

    Attributes:
        results: The results of the creates, of those that ended.
        statuses: Each worker's exit status; that of a killed one is -9.
        steps: The steps that were reached.
    """

    results: list[dict[str, Any]]
    statuses: dict[int, int]
    steps: set[str]

    @property
    def errors(self) -> Counter[str]:
        """How many creates ended with which error."""
        return Counter(result["error"] for result in self.results if "error" in result)

    @property
    def tasks(self) -> list[str]:
        """The tasks that creates returned."""
        return [result["task"] for result in self.results if "task" in result]


@contextmanager
def simulator(faults: Iterable[Fault] = ()) -> Iterator[SimulatorServer]:
    """A gateway; its faults count the creates, for nothing else is sent."""
    with SimulatorServer(faults=tuple(faults), prices=PRICES) as running:
        yield running


def run(
    server: SimulatorServer,
    journal: str,
    jobs: list[Job],
    workers: list[Worker],
    *,
    processes: int,
    budget: dict[str, Any] | None = None,
) -> Outcome:
    """Run workers to their end; each must end as planned."""
    plan = Plan(
        base_url=server.base_url,
        journal=journal,
        processes=processes,
        budget=budget,
        jobs=jobs,
        workers=workers,
    )
    # A pipe would wake this process for each line.
    with TemporaryFile("a+") as file:
        words = PROGRAM, json.dumps(plan)
        with preloaded_python.start(*words, modules=MODULES, stdout=file.fileno()) as process:
            process.communicate(timeout=120)
        file.seek(0)
        output = file.read()
    lines = [json.loads(line) for line in output.splitlines()]
    assert process.returncode == 0, output
    assert not [line for line in lines if "failure" in line], output
    return Outcome(
        results=[line for line in lines if "job" in line],
        statuses={line["worker"]: line["status"] for line in lines if "worker" in line},
        steps={line["step"] for line in lines if "step" in line},
    )


def make_worker(
    jobs: Iterable[int],
    *,
    dies_at: tuple[str, int, Any] | None = None,
    dies_after: float | None = None,
) -> Worker:
    return Worker(jobs=list(jobs), dies_at=dies_at, dies_after=dies_after)


def list_charged(server: SimulatorServer) -> dict[str, list[str]]:
    """The tasks that were charged, by the prompt in their request."""
    charged = {line.task_id for line in server.gateway.charges}
    found = defaultdict(list)
    for request in server.gateway.requests:
        if request.task_id is not None:
            charged.remove(request.task_id)
            assert isinstance(request.json, dict)
            found[str(request.json["promptText"])].append(request.task_id)
    assert not charged
    return dict(found)


def key_job(number: int) -> Job:
    """A job whose prompt is its key, by which the simulator's charges are matched to keys."""
    name = f"row-{number}"
    arguments = {"prompt_text": name, "reference_images": [PICTURE]}
    return Job(key=name, resource="text_to_image", arguments=arguments)


def shuffle(rng: Random) -> list[int]:
    return rng.sample(range(KEYS), KEYS)


def check_keys(server: SimulatorServer, journal: str, outcome: Outcome) -> int:
    """Compare what was charged with the journal and the results; return how many are unknown."""
    charged = list_charged(server)
    assert [key for key, tasks in charged.items() if len(tasks) > 1] == [], "charged twice"
    ledger = Journal(journal)
    unknown = {record.idempotency_key for record in ledger.unknown()}
    for number in range(KEYS):
        name = f"row-{number}"
        record = ledger.find(idempotency_key=name)
        assert record is not None
        tasks = charged.get(name, [])
        if record.state == "SUBMITTED":
            assert tasks == [record.task_id]
            assert name not in unknown
        elif record.state == "REFUSED":
            assert not tasks, "a charge that the journal calls a refusal"
            assert name not in unknown
        else:
            assert name in unknown
    for result in outcome.results:
        if "task" in result:
            assert charged[f"row-{result['job']}"] == [result["task"]]
    ledger.close()
    return len(unknown)


def settle_unknown(server: SimulatorServer, journal: str) -> None:
    """Do what a user does with the account's usage log."""
    charged = list_charged(server)
    ledger = Journal(journal)
    for record in ledger.unknown():
        (task_id,) = charged.get(str(record.idempotency_key), [None])
        if task_id is None:
            ledger.settle(record.key, charged=False)
        else:
            ledger.settle(record.key, task_id=task_id)
    assert ledger.unknown() == []
    ledger.close()


@pytest.mark.parametrize("number", range(ROUNDS))
def test_a_key_is_charged_once_whatever_is_killed(journal: str, number: int) -> None:
    rng = Random(f"crash {number}")
    jobs = [key_job(number) for number in range(KEYS)]
    whole = [make_worker(shuffle(rng)) for _ in range(3)]
    # First at steps, for which some keys must be left, then at random moments.
    deaths = [
        make_worker(shuffle(rng), dies_at=(point, rng.randint(1, LATEST[point]), moment))
        for point in rng.sample(POINTS, len(POINTS))
        for moment in ("before", "after")
    ]
    deaths += [make_worker(shuffle(rng), dies_after=rng.uniform(0, 0.05)) for _ in range(12)]
    with simulator(FAULTS) as server:
        outcome = run(server, journal, jobs, deaths + whole, processes=3)
        assert outcome.steps == set(POINTS)
        assert Counter(outcome.statuses.values()) == {-9: len(deaths), 0: len(whole)}
        unknown = check_keys(server, journal, outcome)
        lost = [one for one in server.gateway.requests if one.fault in {"reset", "cut", "status"}]
        assert 0 < unknown <= len(deaths) + len(lost), "unknown without a reason"

        settle_unknown(server, journal)
        server.gateway.faults.replace([])
        outcome = run(server, journal, jobs, whole, processes=3)
        assert check_keys(server, journal, outcome) == 0
        assert not outcome.errors
        assert len(server.gateway.charges) == KEYS


def spend(
    server: SimulatorServer, journal: str, budget: dict[str, Any], resources: Iterable[str]
) -> Outcome:
    """Four processes with 40 creates each."""
    names = list(resources)
    jobs = [budget_job(names[number % len(names)]) for number in range(160)]
    workers = [make_worker(range(start, 160, 4)) for start in range(4)]
    outcome = run(server, journal, jobs, workers, processes=4, budget=budget)
    assert outcome.statuses == dict.fromkeys(range(4), 0)
    assert len(outcome.results) == 160
    return outcome


def budget_job(resource: str) -> Job:
    arguments: dict[str, dict[str, Any]] = {
        "text_to_image": {"prompt_text": "a shoe", "reference_images": [PICTURE]},
        "image_to_video": {"prompt_image": PICTURE, "model": "gen4_turbo"},
        "video_upscale": {"video_uri": "https://example.com/clip.mp4"},
    }
    return Job(key=None, resource=resource, arguments=arguments[resource])


def test_a_number_of_tasks_is_kept_by_four_processes(journal: str) -> None:
    with simulator() as server:
        outcome = spend(server, journal, {"max_tasks": 50}, ["text_to_image"])
        assert len(server.gateway.charges) == len(outcome.tasks) == 50
        assert outcome.errors == {"BudgetExceededError": 110}


def test_a_cost_is_kept_by_four_processes(journal: str) -> None:
    budget = {"max_cost": "16.00", "prices": {"text_to_image": "0.32"}}
    with simulator() as server:
        outcome = spend(server, journal, budget, ["text_to_image"])
        assert len(server.gateway.charges) == len(outcome.tasks) == 50
        assert outcome.errors == {"BudgetExceededError": 110}


@pytest.mark.parametrize("faults", [(), FAULTS], ids=["undisturbed", "with faults"])
def test_a_cost_is_kept_with_uneven_prices(journal: str, faults: tuple[Fault, ...]) -> None:
    budget = {"max_cost": "13.00", "prices": PRICES}
    with simulator(faults) as server:
        outcome = spend(server, journal, budget, PRICES)
        ledger = Journal(journal)
        spent = ledger.spent().cost
        ledger.close()
        assert server.gateway.ledger.total <= spent <= 13
        if not faults:
            assert server.gateway.ledger.total == spent
        # The cheapest task would not fit either: nothing is refused that the budget allows.
        assert spent > 13 - min(map(Decimal, PRICES.values()))
        assert outcome.errors["BudgetExceededError"] > 0


def test_refusals_give_back_and_lost_responses_do_not(journal: str) -> None:
    with simulator(FAULTS) as server:
        outcome = spend(server, journal, {"max_tasks": 50}, ["text_to_image"])
        ledger = Journal(journal)
        unknown, spending = ledger.unknown(), ledger.spent()
        states = Counter(row["state"] for row in ledger.export())
        ledger.close()
        charged = len(server.gateway.charges)
    assert len(outcome.tasks) <= charged <= 50
    # The refused ones made room for others.
    assert states["REFUSED"] == outcome.errors["BadRequestError"] > 0
    assert spending.tasks == 50 == len(outcome.tasks) + len(unknown)
    assert len(unknown) == outcome.errors["SubmissionUnknownError"] > charged - len(outcome.tasks)
