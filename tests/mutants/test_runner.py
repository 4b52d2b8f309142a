"""The runner on an invented package and tool: what counts as a kill, and what does not."""

from __future__ import annotations

import functools
import json
import os
import re
import subprocess
from pathlib import Path

import pytest
from attrs import frozen
from tests.end_to_end import preloaded_python
from tests.revision import Revision

from . import __main__ as command
from . import picked_mutants, random_mutants
from .areas import AREAS
from .mutation_operators import Mutant
from .report import RunResults
from .results import MutantResult, SuiteResult

ROOT = Path(__file__).parents[2]
PROJECT = Path(__file__).with_name("sample_project") / "__main__.py"
# What the runner loads, but nothing of this repository: it replaces the root first.
LIBRARIES = (
    *("attrs", "cProfile", "pdb", "pytest", "tomllib", "unittest", "xml.etree.ElementTree"),
    # pytest's own plugins that it loads when it runs.
    *(f"_pytest.{name}" for name in ("faulthandler", "helpconfig", "junitxml", "pastebin")),
    *(f"_pytest.{name}" for name in ("setuponly", "setupplan", "skipping", "threadexception")),
    *(f"_pytest.{name}" for name in ("unittest", "unraisableexception", "warnings")),
)
PACKAGE = """
import functools

LIMIT = 10

def add(a, b):
    return a + b

def clipped(a):
    return min(a, LIMIT)

def count(n):
    while n > 0:
        n = n - 1
    return n

def unseen(a):
    return a * 2

def uncalled(a):
    return a - 1

@functools.cache
def hundred():
    return 10 * 10
"""
SUITE = """
from sample import sums

def test_add(): assert sums.add(2, 3) == 5
def test_clipped(): assert sums.clipped(11) == 10
def test_count(): assert sums.count(3) == 0
def test_unseen(): assert sums.unseen(1)
"""
TOOLS = """
LIMIT = 10

def triple(a):
    return a * 3

def half(a):
    return a / 2
"""
TOOLS_SUITE = """
from tools import sizes

def test_triple(): assert sizes.triple(2) == 6
def test_limit(): assert sizes.LIMIT == 10
"""
PROGRAM = """
def double(a):
    return a * 2

def negate(a):
    return -a

def unseen(a):
    return a + 1
"""
QUICK_SUITE = """
from program import double

def test_double(): assert double(2) == 4
"""
PROCESS_SUITE = """
import os, pathlib, subprocess, sys
import program

def run(code):
    path = str(pathlib.Path(program.__file__).parents[1])
    command = [sys.executable, "-c", f"import program; {code}"]
    return subprocess.run(command, env={**os.environ, "PYTHONPATH": path}, timeout=20).returncode

def test_negate(): assert run("assert program.negate(1) == -1") == 0
def test_unseen(): assert run("program.unseen(1)") == 0
"""
# The tests raise the first class of each function; in `skipped` they raise nothing.
CLAUSES = """
def read(action):
    try:
        return action()
    except (KeyError, TypeError):
        return 0

def size(action):
    try:
        return action()
    except OSError:
        return 0

def order(action):
    try:
        return action()
    except KeyError:
        return "key"
    except LookupError:
        return "lookup"

def skipped(action):
    try:
        action()
    except OverflowError:
        pass
"""
CLAUSES_SUITE = f"""{SUITE}
from sample import clauses

def fail(error):
    def action():
        raise error
    return action

def test_read(): assert clauses.read(fail(KeyError())) == 0
def test_size(): assert clauses.size(fail(PermissionError())) == 0
def test_order(): assert clauses.order(fail(KeyError())) == "key"
def test_skipped(): clauses.skipped(lambda: 1)
"""
COMPARISON = """
from sample import sums

def test_add(): assert sums.add(0, 3) == 3
"""
# A single event, here a first call that hangs, is not caused by the mutation.
HANGS_ONCE = """
    import pathlib, time
    try:
        pathlib.Path("{marker}").touch(exist_ok=False)
        time.sleep(60)
    except FileExistsError:
        pass
    return a * 2
"""
DEFECTS = {
    "inside": ("a + b", "a - b"),
    "outside": ("LIMIT = 10", "LIMIT = 12"),
    "hangs": ("n = n - 1", "n = n + 0"),
    "unseen": ("a * 2", "a * 3"),
    "uncalled": ("a - 1", "a - 2"),
    "cannot load": ("LIMIT = 10", "LIMIT = nowhere"),
    "ends the process": ("min(a, LIMIT)", "__import__('os')._exit(3)"),
    "same": ("a + b", "b + a"),
}
TOOL = "openapi/tools/sizes.py"


@frozen
class Run:
    """The result of the command."""

    status: int
    output: str
    error: str
    results: dict[str, dict]
    suites: set[str]

    def result(self, defect: str) -> tuple[bool, str, str]:
        """Whether the mutant was killed, the result of the suite, and the test that killed it."""
        one = self.results[defect]
        found = one["results"]["contract"]
        return one["killed"], found["result"], found["test"]


def seed(folder: Path, defects: dict[str, object], suite: str = SUITE, *options: str) -> Run:
    """Create the package and run mutants of it."""
    files = {
        "wrapper/sample/__init__.py": "",
        "wrapper/sample/sums.py": PACKAGE,
        "wrapper/sample/clauses.py": CLAUSES,
        "generated/empty.txt": "",
        "openapi/tools/__init__.py": "",
        "openapi/tools/sizes.py": TOOLS,
        "openapi/program/__init__.py": PROGRAM,
        "tools_suite/test_tools.py": TOOLS_SUITE,
        "quick_suite/test_quick.py": QUICK_SUITE,
        "process_suite/test_program.py": PROCESS_SUITE,
        "suite/test_suite.py": suite,
        "comparison/test_examples.py": COMPARISON,
        "pytest.ini": "[pytest]\npythonpath = wrapper openapi\naddopts = --import-mode=importlib\n",
        "defects.json": json.dumps(defects),
    }
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, "utf-8")
    ended = preloaded_python.start(
        PROJECT, folder, *options, modules=LIBRARIES, folder=ROOT, stderr=subprocess.PIPE,
        # Other plugins are not needed and take a second to load.
        environment={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
    )  # fmt: skip
    output, error = ended.communicate(timeout=120)
    file = folder / ".build" / "mutants" / "results.json"
    written = json.loads(file.read_text("utf-8")) if file.exists() else {}
    results = {one["id"]: one for one in written.get("mutants", ())}
    suites = set(written.get("suites", ()))
    return Run(ended.wait(), output, error, results, suites)


@pytest.fixture(scope="module")
def all_mutants(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sample")
    once = "return a * 2", HANGS_ONCE.format(marker=folder / "was here").strip()
    given = {"picked": DEFECTS | {"hangs once": once}, "same": [DEFECTS["same"]]}
    return seed(folder, given)


def test_a_failed_test_kills_the_mutant(all_mutants):
    assert all_mutants.result("inside") == (True, "killed", "suite/test_suite.py::test_add")
    assert all_mutants.result("outside") == (True, "killed", "suite/test_suite.py::test_clipped")


def test_the_comparison_suite_does_not_count(all_mutants):
    found = all_mutants.results["inside"]["results"]["comparison"]
    assert found["result"] == "killed"
    assert "  contract      3 of 6" in all_mutants.output
    assert "  comparison    1 of 6" in all_mutants.output


def test_a_mutant_must_time_out_twice_to_be_killed(all_mutants):
    assert all_mutants.result("hangs") == (True, "timeout", "suite/test_suite.py::test_count")
    assert all_mutants.result("hangs once")[:2] == (False, "survived")


def test_survivors_are_listed_with_their_diff(all_mutants):
    assert all_mutants.result("unseen") == (False, "survived", "")
    assert all_mutants.result("uncalled") == (False, "not called", "")
    for name in ("unseen", "uncalled"):
        before, after = DEFECTS[name]
        report = all_mutants.output.partition(f"survived: {name}  sample\n")[2]
        assert f"    -    return {before}\n    +    return {after}\n" in report[:200]


@pytest.mark.parametrize("defect", ["cannot load", "ends the process"])
def test_a_mutant_that_cannot_load_is_not_counted(all_mutants, defect):
    killed, result, _ = all_mutants.result(defect)
    assert not killed
    assert result.startswith("broken: status ")
    assert f"  not counted, {defect}: broken" in all_mutants.output


def test_a_mutant_that_no_file_of_tests_can_load_is_not_counted(tmp_path):
    run = seed(tmp_path, {"random": {"cannot load": DEFECTS["cannot load"]}})
    assert run.results["cannot load"]["broken"].startswith("broken: status ")


def test_an_interruption_that_a_test_lets_through_kills(tmp_path):
    throw = "(_ for _ in ()).throw(KeyboardInterrupt)"
    given = {
        "swapped": ("min(a, LIMIT)", throw),
        "reloaded": ("LIMIT = 10", f"LIMIT = 10\n\ndef min(*_):\n    {throw}\n"),
    }
    run = seed(tmp_path, {"random": given, "slow": True})
    for name in given:
        assert run.result(name) == (True, "killed", "suite/test_suite.py::test_clipped")


def test_equivalent_mutants_are_not_counted(all_mutants):
    assert all_mutants.results["same"]["equivalent"] == "sample"
    assert "picked: 3 of 6 (50.0%) killed" in all_mutants.output
    assert "  1 more are equivalent" in all_mutants.output


def test_a_picked_survivor_fails_the_run(all_mutants):
    assert all_mutants.status == 1


def test_the_run_passes_when_all_mutants_are_killed(tmp_path):
    names = "inside", "outside"
    run = seed(tmp_path, {"random": {name: DEFECTS[name] for name in names}}, SUITE, "--seed", "5")
    assert (run.status, run.error) == (0, "")
    assert "random: 2 of 2 (100.0%) killed" in run.output
    assert run.output.startswith("seed 5: 0 picked, 2 random\n")


def make_outcomes(area, killed, survived):
    words = ["killed"] * killed + ["survived"] * survived
    return [
        MutantResult(Mutant("one", area, "", 1, "", "", "", b""), {"contract": SuiteResult(word)})
        for word in words
    ]


@pytest.mark.parametrize(
    ("outcomes", "is_good"),
    [
        (make_outcomes("core", 24, 1), True),
        (make_outcomes("core", 23, 2), False),
        (make_outcomes("core", 9, 1), False),
        # 24 of 25 would be enough, but not 0 of 1 in an area.
        (make_outcomes("core", 24, 0) + make_outcomes("contract tools", 0, 1), False),
    ],
)
def test_each_area_needs_96_percent(outcomes, is_good):
    run = RunResults(1, {"picked": [], "random": outcomes}, [], {}, 0.0, Revision(""))
    assert run.is_good == is_good


def test_a_random_survivor_fails_the_run(tmp_path):
    run = seed(tmp_path, {"random": {name: DEFECTS[name] for name in ("inside", "unseen")}})
    assert run.status == 1
    assert "random: 1 of 2 (50.0%) killed" in run.output


@pytest.mark.parametrize(
    ("suite", "error"),
    [
        (f"{SUITE}\ndef test_red(): assert sums.add(1, 1) == 3\n", "suite/test_suite.py::test_red"),
        ("import nowhere\n", "pytest ended with 2"),
        ("", "pytest ended with 5"),
    ],
    ids=["a test fails", "it cannot be loaded", "there are no tests"],
)
def test_a_failing_baseline_is_rejected(tmp_path, suite, error):
    run = seed(tmp_path, {"picked": {"inside": DEFECTS["inside"]}}, suite)
    assert run.status == 2
    assert "the contract suite fails without a mutation" in run.error
    assert error in run.error
    assert not run.results


def test_a_suite_that_fails_only_in_a_fork_is_rejected(tmp_path):
    """A test that leaves state behind passes once and would kill every later mutant."""
    # No other test kills the mutant first.
    others = SUITE.replace("def test_add(): assert sums.add(2, 3) == 5\n", "")
    stain = f'''{others}
def test_once():
    import pathlib
    pathlib.Path(r"{tmp_path}/stain").touch(exist_ok=False)
    sums.add(1, 1)
'''
    run = seed(tmp_path, {"picked": {"inside": DEFECTS["inside"]}}, stain)
    assert run.status == 2
    assert "the contract suite fails in a forked process without a mutation" in run.error


def test_a_test_that_finds_a_cached_result_kills_too(tmp_path):
    """In its own process it would call the function itself."""
    cached = f"""{SUITE}
def test_first(): sums.hundred()
def test_second(): assert sums.hundred() == 100
"""
    run = seed(tmp_path, {"random": {"hundred": ("10 * 10", "10 + 10")}}, cached)
    assert run.result("hundred") == (True, "killed", "suite/test_suite.py::test_second")


def test_a_slow_fixture_that_tests_share_kills_nothing(tmp_path):
    """Each process sets it up again, also for a test that was not the first to use it."""
    shared = f"""{SUITE}
import pytest
@pytest.fixture(scope="module")
def slow():
    import time
    time.sleep(0.8)

def test_first(slow): ...
def test_second(slow): sums.unseen(1)
"""
    run = seed(tmp_path, {"random": {"unseen": DEFECTS["unseen"]}}, shared)
    assert run.result("unseen") == (False, "survived", "")


@pytest.fixture(scope="module")
def two_areas(tmp_path_factory):
    given = {
        "picked": {"half": ("a / 2", "a / 3", TOOL), "inside": DEFECTS["inside"]},
        "random": {
            "triple": ("a * 3", "a * 4", TOOL),
            "tool limit": ("LIMIT = 10", "LIMIT = 11", TOOL),
            "outside": DEFECTS["outside"],
            "unseen": DEFECTS["unseen"],
        },
        "slow": True,
    }
    return functools.partial(seed, tmp_path_factory.mktemp("areas"), given, SUITE)


def test_each_area_has_its_own_suites_and_its_own_line(two_areas):
    run = two_areas()
    suites = {name: set(one["results"]) for name, one in run.results.items()}
    assert suites["triple"] == suites["tool limit"] == suites["half"] == {"tools"}
    assert suites["unseen"] == {"contract", "comparison"}
    assert run.results["triple"]["results"]["tools"]["test"].endswith("::test_triple")
    assert run.results["tool limit"]["results"]["tools"]["test"].endswith("::test_limit")
    random = run.output.partition("random: 3 of 4 (75.0%) killed")[2]
    assert re.findall(r"^  (core|contract tools): +(.*)$", random, re.MULTILINE) == [
        ("core", "1 of 2 (50.0%)"),
        ("contract tools", "2 of 2 (100.0%)"),
    ]
    assert f"survived: half  sample\n    contract tools, {TOOL}:1\n" in run.output


def test_a_process_that_a_test_starts_has_the_mutation(tmp_path):
    program = "openapi/program/__init__.py"
    changes = {"double": ("a * 2", "a * 3"), "negate": ("-a", "a"), "unseen": ("a + 1", "a + 2"),
               "same": ("return a + 1", "return 1 + a")}  # fmt: skip
    given = {name: (*change, program) for name, change in changes.items()}
    same = [changes["same"]]
    run = seed(
        tmp_path, {"random": given, "same": same, "slow": True}, SUITE, "--area", "command line"
    )
    found = {name: (one["killed"], {suite: result["result"] for suite, result in
                                    one["results"].items()})
             for name, one in run.results.items()}  # fmt: skip
    assert found == {
        "double": (True, {"quick": "killed"}),
        "negate": (True, {"quick": "not called", "processes": "killed"}),
        "unseen": (False, {"quick": "not called", "processes": "survived"}),
        "same": (False, {"quick": "not called"}),
    }


def test_one_area_runs_only_its_mutants_and_suites(two_areas):
    run = two_areas("--area", "contract tools")
    assert run.results.keys() == {"half", "triple", "tool limit"}
    assert run.suites == {"tools"}


@pytest.mark.parametrize(
    ("options", "selected"),
    [
        (("--picked-only",), {"half", "inside"}),
        (("--no-picked", "--random", "1"), {"triple", "outside"}),
        (("--no-picked", "--area", AREAS[0].name), {"outside", "unseen"}),
        (("--picked-only", "--area", AREAS[0].name), {"inside"}),
    ],
)
def test_options_select_mutants(monkeypatch, options, selected):
    def make(area, *names):
        return [Mutant(name, area, "", 1, "", "", "", b"", (), "") for name in names]

    tools, core = AREAS[1], AREAS[0]
    picked = [*make(tools.name, "half"), *make(core.name, "inside")]
    random = {tools.name: make(tools.name, "triple", "tool limit"),
              core.name: make(core.name, "outside", "unseen")}  # fmt: skip
    monkeypatch.setattr(command, "AREAS", (core, tools))
    monkeypatch.setattr(picked_mutants, "code", lambda: picked)
    monkeypatch.setattr(picked_mutants, "contract_changes", list)
    monkeypatch.setattr(random_mutants, "sample", lambda _, area, count: random[area.name][:count])
    found = command._select(command._parser().parse_args(options))
    assert {one.id for mutants in found.values() for one in mutants} == selected


def test_except_clauses_are_mutated(tmp_path):
    only = "clauses.*(Error|pass|raise)"
    run = seed(tmp_path, {"drawn": True}, CLAUSES_SUITE, "--area", "core", "--only", only)
    handling = {
        (one["scope"], one["before"], one["after"]): one["killed"] for one in run.results.values()
    }
    swapped = next(one for one in run.results.values() if one["before"].startswith("except Key"))
    assert swapped["after"].startswith("except LookupError:")
    assert handling.items() >= {
        (("read", "(KeyError, TypeError)", "(TypeError,)"), True),
        (("read", "(KeyError, TypeError)", "(KeyError,)"), False),
        (("size", "OSError", "FileNotFoundError"), True),
        (("order", "KeyError", "ZeroDivisionError"), True),
        (("order", "LookupError", "KeyError"), False),
        (("order", swapped["before"], swapped["after"]), True),
        (("skipped", "OverflowError", "ZeroDivisionError"), False),
        (("skipped", "pass", "raise"), False),
    }
