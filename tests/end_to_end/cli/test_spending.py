"""Idempotency keys, labels, budgets and prices on the command line."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from pathlib import Path

import pytest

from cometapi_runway.cli._commands import spent
from cometapi_runway.cli._output.exit_codes import ExitCode
from cometapi_runway.journal import Journal, Spending
from cometapi_runway.simulator import Fault, Gateway, When

from .terminal import CLIP, CREATE, FACE, QUICK, Terminal

UPSCALE = ("video-upscale", "--video-uri", CLIP, "--no-wait")
PRICED = (
    *("compat", "act-one", "--video", FACE, "--image", FACE),
    *("--callback-url", "https://example.com/hook", "--no-wait"),
)
KEY_OF_CALLER = ("--idempotency-key", "order-17")


def write_prices(text: str) -> tuple[str, str]:
    Path("prices.toml").write_text(f"[prices]\n{text}\n")
    return "--prices", "prices.toml"


def test_a_key_buys_one_task_however_often_the_command_runs(
    run: Terminal, gateway: Gateway
) -> None:
    first = run(*CREATE, *KEY_OF_CALLER, "--no-wait")
    again = [run(*CREATE, *KEY_OF_CALLER, *more, *QUICK) for more in ((), ("--format", "json"))]
    printed = run(*CREATE, *KEY_OF_CALLER, "--no-wait")

    (task_id,) = gateway.tasks
    assert len(gateway.charges) == 1
    assert first.out == printed.out == f"{task_id}\n"
    assert "nothing was sent" not in first.err
    assert f"submitted earlier: {task_id}" in again[0].err
    assert {one.code for one in again} == {ExitCode.SUCCESS}
    for result in (again[0], printed):
        assert "its idempotency key has bought this task already; nothing was sent" in result.err
    submitted = next(one for one in again[1].progress if one["event"] == "submitted")
    assert submitted["reused"] is True
    assert submitted["idempotency_key"] == "order-17"


def test_a_key_of_another_request_is_refused_by_the_options_name(
    run: Terminal, gateway: Gateway
) -> None:
    run(*CREATE, *KEY_OF_CALLER, "--no-wait")
    other = run(*CREATE, *KEY_OF_CALLER, "--ratio", "720:1280")
    empty = run(*CREATE, "--idempotency-key", "", "--label", "x")

    assert other.code == empty.code == ExitCode.REFUSED
    assert "--idempotency-key: 'order-17' belongs to another request" in other.err
    assert "--idempotency-key: must be 1 to 255" in empty.err
    assert len(gateway.charges) == 1


@pytest.mark.parametrize(
    "more",
    [
        KEY_OF_CALLER,
        ("--label", "shoes/1"),
        ("--max-tasks", "1"),
        ("--budget-scope", "shop"),
        ("--max-cost", "1", "--label", "x"),
    ],
    ids=" ".join,
)
def test_only_a_dry_run_needs_no_journal_for_them(
    run: Terminal, gateway: Gateway, tmp_path: Path, more: tuple[str, ...]
) -> None:
    prices = write_prices("character_performance = 0.5")
    options = (*CREATE, *more, *prices)
    shown = [run(*options, *journal, "--dry-run") for journal in ((), ("--no-journal",))]
    refused = run(*options, "--no-journal")

    assert [one.code for one in shown] == [ExitCode.SUCCESS] * 2
    assert not (tmp_path / "journal.sqlite3").exists()
    assert refused.code == ExitCode.USAGE
    flags = [word for word in more if word.startswith("--")]
    verb = "needs" if len(flags) == 1 else "need"
    named, _, _ = refused.err.partition(f" {verb} the journal, ")
    assert set(named.removeprefix("error: ").split(" and ")) == set(flags)
    assert "--no-journal" in refused.err
    assert gateway.requests == ()
    # The dry run has claimed nothing.
    assert run(*options, "--no-wait").code == ExitCode.SUCCESS


def test_prices_alone_need_no_journal(run: Terminal, gateway: Gateway) -> None:
    prices = write_prices("character_performance = 0.5")

    result = run(*CREATE, *prices, "--no-journal", "--no-wait")

    assert result.code == ExitCode.SUCCESS
    assert "the price is 0.5 USD" in result.err


@pytest.mark.parametrize("words", [PRICED, UPSCALE], ids=["known", "unknown"])
def test_every_output_of_a_create_has_the_price(
    run: Terminal, gateway: Gateway, journal: Journal, words: tuple[str, ...]
) -> None:
    price = "0.4" if words is PRICED else None
    text = "the price is 0.4 USD" if price else "price unknown"

    texts = [run(*words, *more).err for more in ((), ("--dry-run",))]
    texts.append(run(*words[:-1], *QUICK).err)
    as_json = [run(*words, "--format", "json", *more).results for more in ((), ("--dry-run",))]

    assert all(text in one for one in texts)
    assert [(one["price"], one["reused"]) for (one,) in as_json] == [(price, False)] * 2
    listed = run("tasks", "list", "--format", "json").results
    assert {one["price"] for one in listed} == {price}
    assert {None if one.price is None else str(one.price) for one in journal.tasks()} == {price}


def test_prices_come_from_the_file_then_the_settings_then_the_contract(
    run: Terminal, gateway: Gateway
) -> None:
    def price(*more: str) -> str:
        found = re.search(r"the price is (\S+) USD", run(*PRICED, "--dry-run", *more).err)
        assert found is not None
        return found[1]

    from_contract = price()
    Path("config.toml").write_text(
        "[cometapi-runway.prices]\ncompat.act_one = 0.25\nvideo_upscale = 3\n"
    )
    from_settings = price()
    from_file = price(*write_prices('"compat.act_one" = "0.1"'))

    assert (from_contract, from_settings, from_file) == ("0.4", "0.25", "0.1")
    # A resource that the file leaves out keeps its price.
    assert "the price is 3 USD" in run(*UPSCALE, "--dry-run", "--prices", "prices.toml").err


@pytest.mark.parametrize(
    ("table", "problem"),
    [
        ("video_upscale = -1", "video_upscale"),
        ("video_upscale = 0.1234567", "0.1234567"),
        ("video_upscale = true", "True"),
        ("video-upscale = 1", "did you mean 'video_upscale'"),
    ],
)
@pytest.mark.parametrize("place", ["file", "settings"])
def test_a_malformed_price_sends_nothing(
    run: Terminal, gateway: Gateway, table: str, problem: str, place: str
) -> None:
    options = write_prices(table) if place == "file" else ()
    if place == "settings":
        Path("config.toml").write_text(f"[cometapi-runway.prices]\n{table}\n")

    for more in ((), ("--dry-run",)):
        result = run(*UPSCALE, *options, *more)

        assert result.code == ExitCode.USAGE
        assert problem in result.err
        assert "text_to_image = 0.32" in result.err
    assert gateway.requests == ()


@pytest.mark.parametrize("limit", [("--max-tasks", "2"), ("--max-cost", "1")], ids=" ".join)
def test_a_budget_is_not_exceeded(run: Terminal, gateway: Gateway, limit: tuple[str, str]) -> None:
    options = (*UPSCALE, *limit, *write_prices("video_upscale = 0.5"), "--budget-scope", "shop")
    results = [run(*options) for _ in range(4)]
    elsewhere = run(*UPSCALE, *limit, "--prices", "prices.toml")

    assert [one.code for one in results] == [0, 0, ExitCode.BUDGET, ExitCode.BUDGET]
    assert len(gateway.charges) == 3
    assert "budget 'shop'" in results[-1].err
    assert "nothing was sent" in results[-1].err
    assert "cometapi-runway tasks spent --scope shop" in results[-1].err
    assert elsewhere.code == ExitCode.SUCCESS
    spent = run("tasks", "spent", "--scope", "shop", "--format", "json").results[0]
    assert (spent["tasks"], spent["cost"], spent["unpriced"]) == (2, "1", 0)


def test_the_settings_file_sets_a_budget(run: Terminal, gateway: Gateway) -> None:
    Path("config.toml").write_text(
        '[cometapi-runway]\nmax-tasks = 1\nmax-cost = 0.5\nbudget-scope = "shop"\n'
        "[cometapi-runway.prices]\nvideo_upscale = 0.1\n"
    )

    codes = [run(*UPSCALE).code for _ in range(2)]

    assert codes == [ExitCode.SUCCESS, ExitCode.BUDGET]
    assert run(*UPSCALE, "--max-tasks", "2").code == ExitCode.SUCCESS
    assert run(*UPSCALE, "--no-journal").code == ExitCode.USAGE
    assert run("tasks", "spent", "--scope", "shop").out.startswith("budget 'shop': 2 tasks, 0.2 ")


@pytest.mark.parametrize("more", [(), ("--dry-run",)], ids=" ".join)
def test_a_limit_of_cost_needs_a_price(
    run: Terminal, gateway: Gateway, more: tuple[str, ...]
) -> None:
    result = run(*UPSCALE, "--max-cost", "5", *more)

    assert result.code == ExitCode.USAGE
    assert "--max-cost needs the price of video_upscale" in result.err
    assert "--prices FILE" in result.err
    assert "Budget(" not in result.err
    assert gateway.requests == ()


@pytest.mark.parametrize("value", ["abc", "-1", "nan", "inf", "1e99", "0.0000001", ""])
def test_a_malformed_limit_is_refused(run: Terminal, gateway: Gateway, value: str) -> None:
    for flag in ("--max-cost", "--max-tasks"):
        result = run(*PRICED, f"{flag}={value}")

        assert result.code == ExitCode.USAGE
        assert flag in result.err
        assert re.search(r"\bIt (must|is)\b", result.err)
    assert gateway.requests == ()


def test_spending_counts_this_gateways_tasks_and_no_refused_ones(
    run: Terminal, gateway: Gateway
) -> None:
    nothing = run("tasks", "spent").out
    run(*PRICED)
    gateway.faults.add(Fault("status", status=401, when=When("video_upscale", first=1)))
    assert run(*UPSCALE).code == ExitCode.KEY
    one = run("tasks", "spent").out
    run(*UPSCALE)
    both = run("tasks", "spent").out
    elsewhere = run("tasks", "spent", "--base-url", "http://127.0.0.1:1").out

    assert nothing.startswith("0 tasks, 0 USD at http://127.0.0.1:")
    assert one.startswith("1 task, 0.4 USD at ")
    assert both.startswith("2 tasks, 0.4 USD and 1 of unknown price at ")
    assert elsewhere.startswith("0 tasks, 0 USD at ")


@pytest.mark.parametrize(
    ("tasks", "unpriced", "text"),
    [
        (0, 0, "0 tasks, 0.4 USD"),
        (2, 0, "2 tasks, 0.4 USD"),
        (2, 1, "2 tasks, 0.4 USD and 1 of unknown price"),
        (1, 1, "1 task, price unknown"),
        (2, 2, "2 tasks, price unknown"),
    ],
)
def test_a_sum_says_what_it_lacks(tasks: int, unpriced: int, text: str) -> None:
    assert spent._describe(Spending(Decimal("0.4"), tasks, unpriced)) == text


def test_labels_find_their_tasks(run: Terminal, gateway: Gateway) -> None:
    ids = {
        label: run(*UPSCALE, "--label", label).out.strip()
        for label in ("shoes/1", "shoes/2", "hats/1", "shoes")
    }
    run(*UPSCALE)

    def find(label: str, *more: str) -> set[str]:
        found = run("tasks", "list", "--label", label, "--format", "json", *more).results
        assert all(one["label"] for one in found)
        return {one["task_id"] for one in found}

    assert find("shoes/1") == {ids["shoes/1"]}
    assert find("shoes/*") == {ids["shoes/1"], ids["shoes/2"]}
    assert find("*") == set(ids.values())
    assert find("shoes*", "--unfinished") == set(ids.values()) - {ids["hats/1"]}
    assert find("shoes/*", "--limit", "1") == {ids["shoes/2"]}
    assert find("*hats") == find("shoes/%") == find("shoes/_") == set()


def test_a_url_of_a_file_is_a_journal(run: Terminal, gateway: Gateway, tmp_path: Path) -> None:
    url = ("--journal", f"sqlite:///{tmp_path / 'other.sqlite3'}")
    missing = run("tasks", "list", *url)
    assert not (tmp_path / "other.sqlite3").exists()
    task_id = run(*UPSCALE, *url).out.strip()

    listed = run("tasks", "list", *url)
    checked = run("doctor", *url)

    assert missing.code == ExitCode.SUCCESS
    assert task_id in listed.out
    assert f"cometapi-runway tasks resume --journal {url[1]}" in listed.err
    assert f"{url[1]}: 1 unfinished" in checked.out
    assert task_id not in run("tasks", "list").out


@pytest.mark.parametrize(
    "words",
    [CREATE, ("tasks", "list"), ("tasks", "settle", "x", "--charged"), ("tasks", "export")],
    ids=lambda words: " ".join(words)[:14],
)
@pytest.mark.parametrize("debug", [(), ("--debug",)], ids=["", "debug"])
@pytest.mark.parametrize("url", ["mysql://me:s3cret@h/d", "postgresql://me:s3/cret@127.0.0.1/d"])
def test_a_wrong_journal_is_named_without_its_password(
    run: Terminal, gateway: Gateway, words: tuple[str, ...], url: str, debug: tuple[str, ...]
) -> None:
    result = run(*words, "--journal", url, *debug)
    # The traceback is asked for.
    run.history.remove(result)

    assert result.code == ExitCode.USAGE
    assert "postgresql://" in result.err
    assert "s3" not in result.everything
    assert "--journal" in result.err
    assert gateway.requests == ()


@pytest.mark.parametrize("words", [CREATE, ("tasks", "list"), ("tasks", "resume")], ids=" ".join)
def test_an_unreachable_database_is_named_without_its_password(
    run: Terminal, gateway: Gateway, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    pytest.importorskip("psycopg")
    # A server that is starting would be waited for.
    monkeypatch.setattr("cometapi_runway.journal._database.JOURNAL_READ_TIMEOUT", 0.0)

    result = run(*words, "--journal", "postgresql://me:s3cret@127.0.0.1:1/d?password=s3cret")

    assert result.code == ExitCode.USAGE
    assert "journal postgresql://me@127.0.0.1:1/d cannot be opened" in result.everything
    assert "s3cret" not in result.everything
    assert not any(one.method == "POST" for one in gateway.requests)


def test_the_export_takes_no_shared_setting(run: Terminal, gateway: Gateway) -> None:
    Path("config.toml").write_text('[cometapi-runway]\noutput = "videos"\nformat = "json"\n')
    run(*UPSCALE)

    result = run("tasks", "export", "--format", "jsonl")

    assert json.loads(result.out)["operation"] == "upscale_a_video"
    assert not Path("videos").exists()
