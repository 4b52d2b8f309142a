"""A budget is never exceeded, and gets back what was not spent."""

from __future__ import annotations

import itertools
import os
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal, localcontext
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.cases import each_case

from cometapi_runway import (
    BadRequestError,
    Budget,
    BudgetExceededError,
    ConfigurationError,
    RunwayClient,
    SubmissionUnknownError,
)
from cometapi_runway._core.submission_failure import SubmissionFailureReason as Reason
from cometapi_runway._flows.entries import (
    BudgetExcess,
    IdempotencyKey,
    Reservation,
    SubmissionAccepted,
    SubmissionFailed,
    SubmissionStarted,
)
from cometapi_runway.journal import Journal, Spending, load_prices
from cometapi_runway.resources._prices import check_resources
from cometapi_runway.validation import contract

from ..support.both_clients import ASSETS, BASE, KEY, ClientHarness
from ..support.journal_processes import CALL
from ..support.journals import Location
from ..support.scripted_transport import HANG, json_reply
from ..support.submissions import REFUSED

PRICE = Decimal("0.5")
PRICES = {"character_performance": PRICE}
ids = map("task-{}".format, itertools.count())


def accept(_: Any) -> Any:
    return json_reply({"id": next(ids)})


def create(harness: ClientHarness, client: Any, **arguments: Any) -> Any:
    return harness.run(client.character_performance.create(**ASSETS, **arguments))


@pytest.fixture
def make_client(harness: ClientHarness, location: Location) -> Callable[..., Any]:
    harness.network.respond_by(accept)

    def make(gateway: str = BASE, **limits: Any) -> Any:
        return harness.new(
            journal=location, base_url=gateway, budget=Budget(**{"prices": PRICES, **limits})
        )

    return make


class TestLimits:
    def test_of_tasks(self, harness: ClientHarness, make_client: Any) -> None:
        client = make_client(max_tasks=2)
        for _ in range(2):
            create(harness, client)
        with pytest.raises(BudgetExceededError, match=r"2 of 2 tasks .* nothing was") as caught:
            create(harness, client)
        error = caught.value
        assert (error.limit, error.spent, error.unit, error.scope) == (2, 2, "tasks", "default")
        assert len(harness.network.sent) == len(client.journal.tasks()) == 2

    def test_of_cost(self, harness: ClientHarness, make_client: Any) -> None:
        client = make_client(max_cost="1.25")
        for _ in range(2):
            create(harness, client)
        with pytest.raises(BudgetExceededError, match=r"1 of 1\.25 USD") as caught:
            create(harness, client)
        error = caught.value
        assert (error.limit, error.spent, error.price) == (Decimal("1.25"), Decimal(1), PRICE)
        assert error.unit == "USD"
        assert len(harness.network.sent) == 2

    @pytest.mark.parametrize("limits", [{"max_cost": 0}, {"max_tasks": 0}])
    def test_of_nothing(
        self, harness: ClientHarness, make_client: Any, limits: dict[str, int]
    ) -> None:
        with pytest.raises(BudgetExceededError):
            create(harness, make_client(**limits))
        assert harness.network.sent == []

    def test_that_are_met_exactly(self, harness: ClientHarness, make_client: Any) -> None:
        """In binary fractions, ten times a tenth is less than one, and three are more than 0.3."""
        client = make_client(max_cost=0.3, prices={"character_performance": 0.1})
        for _ in range(3):
            create(harness, client)
        with pytest.raises(BudgetExceededError):
            create(harness, client)
        assert client.journal.spent() == Spending(Decimal("0.3"), 3, 0)

    def test_are_each_clients_own(self, harness: ClientHarness, make_client: Any) -> None:
        create(harness, make_client(max_tasks=1))
        with pytest.raises(BudgetExceededError):
            create(harness, make_client(max_tasks=1))
        create(harness, make_client(max_tasks=2))

    def test_are_per_scope_and_gateway(self, harness: ClientHarness, make_client: Any) -> None:
        for options in ({}, {"scope": "Ünter 'x'"}, {"gateway": "https://other.example"}):
            client = make_client(max_tasks=1, max_cost=PRICE, **options)
            create(harness, client)
            with pytest.raises(BudgetExceededError):
                create(harness, client)
            scope = options.get("scope", "default")
            assert client.journal.spent(scope) == Spending(PRICE, 1, 0)
        assert client.journal.store.spent(None) == Spending(3 * PRICE, 3, 0)
        assert client.journal.store.spent() == Spending(2 * PRICE, 2, 0)

    def test_do_not_count_clients_without_a_budget(
        self, harness: ClientHarness, make_client: Any, location: Location
    ) -> None:
        create(harness, harness.new(journal=location))
        client = make_client(max_tasks=1)
        create(harness, client)
        assert client.journal.spent().tasks == 1
        assert client.journal.spent(None).tasks == 2

    def test_hold_in_a_database_that_repeats_reads(
        self, postgres_server: Any, postgres_database: str, postgres_url: str
    ) -> None:
        """The sum must see what was committed before the lock was taken."""
        postgres_server.execute(
            f"ALTER DATABASE {postgres_database} "
            "SET default_transaction_isolation TO 'repeatable read'"
        )
        assert self.count_winners([Journal(postgres_url) for _ in range(6)]) == 5

    def test_hold_under_threads(self, location: Location) -> None:
        assert self.count_winners([Journal(location) for _ in range(6)]) == 5

    def count_winners(self, journals: list[Journal]) -> int:
        limits = Reservation(PRICE, "default", max_tasks=5, max_cost=Decimal(100))

        def claim(number: int) -> Any:
            entry = SubmissionStarted(f"k{number}", CALL, "tasks", 7, reservation=limits)
            return journals[number % len(journals)].write(entry, BASE, timeout=30)

        with ThreadPoolExecutor(len(journals)) as pool:
            conflicts = list(pool.map(claim, range(24)))
        assert journals[0].spent().tasks == 5
        for journal in journals:
            journal.close()
        return conflicts.count(None)

    @pytest.mark.skipif(not hasattr(os, "fork"), reason="POSIX")
    @pytest.mark.forks
    def test_hold_under_processes(self, location: Location, tmp_path: Path) -> None:
        journal = Journal(location)
        limits = Reservation(PRICE, "default", max_cost=Decimal("2.5"))
        children = []
        for name in "abcd":
            child = os.fork()
            if child == 0:
                code = 2
                try:
                    for number in range(5):
                        key = f"{name}{number}"
                        entry = SubmissionStarted(key, CALL, "tasks", 7, reservation=limits)
                        if journal.write(entry, BASE, timeout=30) is None:
                            (tmp_path / key).touch()
                    code = 0
                finally:
                    os._exit(code)
            children.append(child)
        assert [os.waitstatus_to_exitcode(os.waitpid(one, 0)[1]) for one in children] == [0] * 4
        assert len(list(tmp_path.glob("??"))) == 5
        assert journal.spent() == Spending(Decimal("2.5"), 5, 0)
        journal.close()


class TestOutcomes:
    @pytest.mark.parametrize(
        ("event", "error", "tasks"),
        [(REFUSED, BadRequestError, 0), (HANG, SubmissionUnknownError, 1)],
    )
    def test_a_refusal_gives_back_and_an_unknown_outcome_keeps(
        self,
        harness: ClientHarness,
        make_client: Any,
        event: Any,
        error: type[Exception],
        tasks: int,
    ) -> None:
        client = make_client(max_tasks=1, max_cost=PRICE)
        harness.respond_with(event)
        with pytest.raises(error):
            create(harness, client)
        assert client.journal.spent() == Spending(tasks * PRICE, tasks, 0)
        harness.network.respond_by(accept)
        if tasks:
            with pytest.raises(BudgetExceededError):
                create(harness, client)
        else:
            create(harness, client)

    @pytest.mark.parametrize(
        ("settled", "tasks"),
        [({"charged": False}, 0), ({"charged": True}, 1), ({"task_id": "t"}, 1)],
    )
    def test_settling_gives_back_what_was_not_charged(
        self, harness: ClientHarness, make_client: Any, settled: dict[str, Any], tasks: int
    ) -> None:
        client = make_client(max_tasks=1, max_cost=PRICE)
        harness.respond_with(HANG)
        with pytest.raises(SubmissionUnknownError):
            create(harness, client, idempotency_key="a")
        client.journal.settle("a", **settled)
        assert client.journal.spent() == Spending(tasks * PRICE, tasks, 0)

    def test_it_is_reserved_before_the_request_is_sent(
        self, harness: ClientHarness, make_client: Any
    ) -> None:
        client = make_client(max_tasks=1)
        seen: list[int] = []

        def respond(request: httpx.Request) -> Any:
            seen.append(client.journal.spent().tasks)
            return accept(request)

        harness.network.respond_by(respond)
        create(harness, client)
        assert seen == [1]

    def test_a_key_that_has_bought_a_task_costs_nothing(
        self, harness: ClientHarness, make_client: Any
    ) -> None:
        client = make_client(max_tasks=1, max_cost=PRICE)
        task = create(harness, client, idempotency_key="a")
        assert create(harness, client, idempotency_key="a").id == task.id
        assert client.journal.spent().tasks == 1
        with pytest.raises(BudgetExceededError):
            create(harness, client, idempotency_key="b")
        # The key of what was not sent is free.
        assert create(harness, make_client(max_tasks=2), idempotency_key="b").id != task.id

    def test_a_failed_task_stays_spent(self, harness: ClientHarness, make_client: Any) -> None:
        client = make_client(max_tasks=1)
        task = create(harness, client)
        harness.network.respond_by(lambda _: json_reply({"id": task.id, "status": "FAILED"}))
        harness.run(client.tasks.retrieve(task.id))
        assert client.journal.find(task.id).state == "FAILED"
        assert client.journal.spent().tasks == 1


OUTCOMES = ["accepted", "refused", "unknown", "killed", "not charged", "charged", "found"]
steps = st.lists(
    st.tuples(
        st.sampled_from(OUTCOMES),
        st.integers(0, 3_000_000).map(lambda micros: Decimal(micros).scaleb(-6)),
        st.sampled_from(["a", "b"]),
        st.sampled_from([None, "key-1", "key-2", "key-3"]),
    ),
    max_size=12,
)


class TestAnySequence:
    """Whatever becomes of the requests, the sum is exact and the cap holds."""

    def check(self, journal: Journal, gateway: str, cap: Decimal, steps: Any) -> None:
        spent = {"a": Decimal(0), "b": Decimal(0)}
        tasks = {"a": 0, "b": 0}
        taken: set[str | None] = set()
        for number, (outcome, price, scope, name) in enumerate(steps):
            key = f"{gateway}-{number}"
            own_key = None if name is None else IdempotencyKey(name, "digest")
            limits = Reservation(price, scope, cap, 6)
            entry = SubmissionStarted(key, CALL, "tasks", 7, own_key, limits)
            with localcontext() as context:
                context.prec = 3
                conflict = journal.write(entry, gateway)
            if name in taken and name is not None:
                assert conflict is not None
                assert not isinstance(conflict, BudgetExcess)
            elif spent[scope] + price > cap or tasks[scope] >= 6:
                assert isinstance(conflict, BudgetExcess)
                unit = "tasks" if tasks[scope] >= 6 else "USD"
                now = tasks[scope] if unit == "tasks" else spent[scope]
                assert (conflict.unit, conflict.spent, conflict.scope) == (unit, now, scope)
            else:
                assert conflict is None
                self.finish(journal, key, outcome)
                if outcome not in {"refused", "not charged"}:
                    taken.add(name)
                    spent[scope] += price
                    tasks[scope] += 1
            for each, cost in spent.items():
                assert cost <= cap
                assert journal.spent(each, gateway=gateway) == Spending(cost, tasks[each], 0)

    def finish(self, journal: Journal, key: str, outcome: str) -> None:
        if outcome == "accepted":
            journal.write(SubmissionAccepted(key, f"task-{key}"))
        elif outcome == "refused":
            journal.write(SubmissionFailed(key, True, Reason.QUOTA))
        elif outcome != "killed":
            journal.write(SubmissionFailed(key, False, Reason.UNKNOWN_OUTCOME))
        match outcome:
            case "not charged":
                journal.settle(key, charged=False)
            case "charged":
                journal.settle(key, charged=True)
            case "found":
                journal.settle(key, task_id=f"task-{key}")

    @given(st.integers(0, 5_000_000).map(lambda micros: Decimal(micros).scaleb(-6)), steps)
    @settings(max_examples=25, deadline=None)
    def test_in_a_file(self, cap: Decimal, steps: Any) -> None:
        with tempfile.TemporaryDirectory() as folder:
            journal = Journal(Path(folder) / "journal")
            self.check(journal, BASE, cap, steps)
            journal.close()

    def test_in_a_database(self, postgres_url: str) -> None:
        journal = Journal(postgres_url)
        gateways = (f"https://gateway-{number}.example" for number in itertools.count())

        @given(st.integers(0, 5_000_000).map(lambda micros: Decimal(micros).scaleb(-6)), steps)
        @settings(max_examples=25, deadline=None, database=None)
        def check(cap: Decimal, steps: Any) -> None:
            self.check(journal, next(gateways), cap, steps)

        check()
        journal.close()


class TestPrices:
    def test_an_unknown_one_with_max_cost_is_refused_before_anything_is_written(
        self, harness: ClientHarness, make_client: Any
    ) -> None:
        client = make_client(max_cost=1, prices={})
        with pytest.raises(ConfigurationError, match="the price of character_performance"):
            create(harness, client, idempotency_key="a")
        assert (client.journal.tasks(), harness.network.sent) == ([], [])

    def test_an_unknown_one_is_counted_as_unknown(
        self, harness: ClientHarness, make_client: Any
    ) -> None:
        client = make_client(max_tasks=2, prices={})
        create(harness, client)
        assert client.journal.spent() == Spending(Decimal(0), 1, 1)
        assert client.journal.tasks()[0].price is None

    def test_that_the_contract_names_are_used(
        self, harness: ClientHarness, make_client: Any
    ) -> None:
        client = make_client(max_cost=1, prices={})
        harness.run(
            client.operation("generate_an_image_from_text").create(
                prompt_text="a cat",
                model="gen4_image",
                ratio="1920:1080",
                seed=1,
                reference_images=[],
                content_moderation={"publicFigureThreshold": "auto"},
                validate=False,
            )
        )
        (record,) = client.journal.tasks()
        assert client.journal.spent() == Spending(record.price, 1, 0)
        assert record.price == Decimal("0.32")

    @each_case(
        ("text", "prices"),
        [
            ('[prices]\ntext_to_image = "0.32"', {"text_to_image": Decimal("0.32")}),
            ("[prices]\ntext_to_image = 0.1", {"text_to_image": Decimal("0.1")}),
            ("[prices]\ncompat.act_one = 2", {"compat.act_one": Decimal(2)}),
            ('[prices]\n"compat.act_one" = 2\n', {"compat.act_one": Decimal(2)}),
            ("[prices.compat]\nact_one = 2\n", {"compat.act_one": Decimal(2)}),
            ("[prices]", {}),
        ],
    )
    def test_come_from_a_file(self, tmp_path: Path, text: str, prices: Any) -> None:
        file = tmp_path / "prices.toml"
        file.write_text(text)
        assert load_prices(file) == Budget(prices=str(file)).prices == prices

    def test_are_of_resources_and_of_operations_that_create(self) -> None:
        check_resources(["text_to_image", "compat.act_one"])
        check_resources([one.id for one in contract().operations if not one.is_read])
        for name in ["nothing", *(one.id for one in contract().operations if one.is_read)]:
            with pytest.raises(ConfigurationError, match=f"there is no resource '{name}'"):
                check_resources([name])

    @each_case(
        ("text", "problem"),
        [
            (None, "cannot be read"),
            ("prices =", "cannot be read"),
            ("", r"it has no table \[prices\]"),
            ("prices = 3", r"it has no table \[prices\]"),
            ("[prices]\n[more]", r"'more' is outside the table \[prices\]"),
            ("[prices]\na = -1", r"prices\['a'\] must be US dollars"),
            ("[prices]\na = true", r"prices\['a'\] must be US dollars"),
            ("[prices]\na = nan", r"prices\['a'\] must be US dollars"),
            ("[prices]\na = 0.0000001", r"prices\['a'\] must be US dollars"),
            ("[prices]\na.b = [1]", r"prices\['a\.b'\] must be US dollars"),
            ("[prices]\na = 2020-01-01", r"prices\['a'\] must be US dollars"),
        ],
    )
    def test_a_malformed_file_is_named(
        self, tmp_path: Path, text: str | None, problem: str
    ) -> None:
        file = tmp_path / "prices.toml"
        if text is not None:
            file.write_text(text)
        with pytest.raises(ConfigurationError, match=problem) as caught:
            load_prices(file)
        assert str(file) in str(caught.value)
        assert caught.value.setting == "prices"


@each_case(
    ("arguments", "problem"),
    [
        ({"max_cost": -1}, "max_cost must be US dollars"),
        ({"max_cost": "a lot"}, "max_cost must be US dollars"),
        ({"max_cost": float("nan")}, "max_cost must be US dollars"),
        ({"max_cost": float("inf")}, "max_cost must be US dollars"),
        ({"max_cost": "0.0000001"}, "at most six digits"),
        ({"max_cost": 1e-7}, "at most six digits"),
        ({"max_cost": 10**13}, "max_cost must be US dollars"),
        ({"max_cost": True}, "max_cost must be US dollars"),
        ({"max_cost": b"1"}, "max_cost must be US dollars"),
        ({"max_tasks": -1}, "max_tasks must be a whole number"),
        ({"max_tasks": 1.5}, "max_tasks must be a whole number"),
        ({"max_tasks": True}, "max_tasks must be a whole number"),
        ({"max_tasks": "3"}, "max_tasks must be a whole number"),
        ({"max_tasks": 2**31}, "max_tasks must be a whole number"),
        ({"scope": ""}, "scope must be a line"),
        ({"scope": "a\nb"}, "scope must be a line"),
        ({"scope": "\0"}, "scope must be a line"),
        ({"scope": "\ud800"}, "scope must be a line"),
        ({"scope": "a" * 256}, "scope must be a line"),
        ({"scope": None}, "scope must be a line"),
        ({"prices": [("a", 1)]}, "prices must map"),
        ({"prices": {1: 1}}, "the name of a resource must be text"),
        ({"prices": {"a": None}}, r"prices\['a'\] must be US dollars"),
        ({"prices": {"a": "1,5"}}, r"prices\['a'\] must be US dollars"),
    ],
)
def test_a_malformed_budget_is_named(arguments: dict[str, Any], problem: str) -> None:
    with pytest.raises(ConfigurationError, match=problem) as caught:
        Budget(**arguments)
    assert str(caught.value).startswith("budget: ")
    assert caught.value.setting == ("prices" if "prices" in arguments else "budget")


def test_a_budget_without_limits_and_the_largest_one() -> None:
    none = Budget()
    assert (none.max_cost, none.max_tasks, none.scope, none.prices) == (None, None, "default", {})
    most = Budget(10**12, 2**31 - 1, "a" * 255, {"a": "1000000000000.000000"})
    assert (most.max_cost, most.max_tasks) == (Decimal(10**12), 2**31 - 1)
    assert len({most, Budget(10**12, 2**31 - 1, "a" * 255), Budget(1)}) == 3
    assert hash(most) == hash(Budget(10**12, 2**31 - 1, "a" * 255))


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"budget": Budget()}, "budget needs a journal"),
        ({"budget": {"max_tasks": 1}}, "budget: must be a Budget, got dict"),
        ({"budget": Budget(prices={"text_to_imag": 1})}, "no resource 'text_to_imag'"),
    ],
)
def test_a_client_refuses_a_budget_that_it_cannot_keep(
    path: Path, options: dict[str, Any], problem: str
) -> None:
    if "needs" not in problem:
        options = {**options, "journal": path}
    with pytest.raises(ConfigurationError, match=problem) as caught:
        RunwayClient(KEY, **options)
    assert caught.value.setting in {"budget", "journal", "prices"}
    assert not path.exists()


def test_a_price_is_kept_as_it_was(harness: ClientHarness, make_client: Any) -> None:
    """A later price list changes no sum."""
    create(harness, make_client(max_cost=5))
    client = make_client(max_cost=5, prices={"character_performance": "0.000001"})
    create(harness, client)
    assert client.journal.spent() == Spending(Decimal("0.500001"), 2, 0)
    assert [one.price for one in client.journal.tasks()] == [Decimal("0.000001"), PRICE]


def test_spending_outgrows_no_column(location: Location) -> None:
    journal = Journal(location)
    for number in range(3):
        most = Reservation(Decimal(10**12), "default", None, 100)
        entry = SubmissionStarted(f"k{number}", CALL, "tasks", 7, reservation=most)
        assert journal.write(entry, BASE) is None
    assert journal.spent() == Spending(Decimal(3 * 10**12), 3, 0)
    journal.close()
