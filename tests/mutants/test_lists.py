"""The lists of mutants fit the code: every pick applies, every equivalent matches a mutant."""

from __future__ import annotations

import ast
import re
import threading
from collections import Counter
from pathlib import Path

import pytest

from . import baseline, code_swap, mutation_operators, package_copy, picked_mutants, random_mutants
from .package_copy import ROOT

GROUPS = {"generated": random_mutants.GENERATED, "wrapper": random_mutants.WRAPPER}
PATTERNS = [pattern for patterns in GROUPS.values() for pattern in patterns]


def test_every_picked_mutant_applies():
    stale = picked_mutants.find_stale()
    assert not stale, "\n".join(["update these entries, their code has changed:", *stale])
    picks = [*picked_mutants.code(), *picked_mutants.contract_changes()]
    assert not [name for name, count in Counter(one.id for one in picks).items() if count > 1]
    assert len(picks) >= 75
    assert {one.group for one in picks} == {"generated", "wrapper", "contract"}


def test_a_stale_pick_is_reported_with_its_file():
    pick = {
        "id": "gone",
        "file": "wrapper/cometapi_runway/_io/exception_mapping.py",
        "before": "no such text",
        "after": "",
        "breaks": "",
    }
    with pytest.raises(
        picked_mutants.StalePickError,
        match=r"stale pick 'gone' .*exception_mapping\.py has its text 0 times .*'no such text'",
    ):
        picked_mutants.apply_pick(pick)
    with pytest.raises(picked_mutants.StalePickError, match=r"would not compile: .*syntax"):
        picked_mutants.apply_pick(
            {**pick, "before": "def client_closed()", "after": "def client_closed("}
        )


@pytest.mark.parametrize("pattern", PATTERNS)
def test_every_file_pattern_matches(pattern):
    assert list(ROOT.glob(pattern))


def test_every_equivalent_matches_a_mutant():
    every = [
        one for group, found in GROUPS.items() for one in random_mutants.all_mutants(group, found)
    ]
    gone = [one for one in random_mutants.equivalents() if not any(map(one.covers, every))]
    lines = [f"{one.file}, {one.scope}: {one.before!r} -> {one.after!r}" for one in gone]
    assert not gone, "\n".join(["no mutant matches these entries of equivalents.toml:", *lines])


def test_every_equivalent_has_a_reason():
    assert not [one for one in random_mutants.equivalents() if len(one.reason.split()) < 5]


MODULES = sorted(ROOT.glob("generated/cometapi_runway_api/api/*/[a-z]*.py"))


@pytest.mark.parametrize("module", MODULES, ids=[one.stem for one in MODULES])
def test_generated_parsers_treat_all_errors_alike(module):
    """The list of equivalents relies on it: every error branch does the same."""
    parser = module.read_text("utf-8").partition("def _parse_response(")[2].partition("\ndef ")[0]
    _, *branches = re.split(r"    if response\.status_code == (\d+):\n", parser)
    codes, last = branches[::2], branches[-1]
    assert codes[0] == "200", "success is parsed first"
    texts = [
        re.sub(r"\s+", " ", text.replace(f"_{code}", "_N")).strip()
        for code, text in zip(codes[1:], branches[3::2], strict=True)
    ]
    first = texts[0]
    tail = re.sub(
        r"\s+", " ", last.replace("_default", "_N").replace(f"_{codes[-1]}", "_N")
    ).strip()
    assert texts[:-1] == [first] * (len(texts) - 1)
    assert tail == f"{first} {first}", "the default is parsed like the errors"


def test_compat_task_record_parsers_return_their_input():
    """The list of equivalents relies on it: their conditions have no effect."""
    text = (ROOT / "generated/cometapi_runway_api/models/compat_task_record.py").read_text("utf-8")
    readers = [one for one in ast.walk(ast.parse(text))
               if isinstance(one, ast.FunctionDef) and one.name.startswith("_parse_")]  # fmt: skip
    assert len(readers) >= 10
    for reader in readers:
        returned = [one.value for one in ast.walk(reader) if isinstance(one, ast.Return)]
        values = {ast.unparse(one.args[-1] if isinstance(one, ast.Call) else one)
                  for one in returned}  # fmt: skip
        calls = {ast.unparse(one.func) for one in returned if isinstance(one, ast.Call)}
        assert (values, calls) == ({"data"}, {"cast"}), reader.name


def test_a_sample_depends_only_on_the_seed():
    first, again, other = (random_mutants.sample(seed, 60) for seed in (7, 7, 8))
    assert first == again
    assert first != other
    assert Counter(one.group for one in first) == {"generated": 30, "wrapper": 30}


def test_a_larger_sample_contains_the_smaller_one():
    small, large = (random_mutants.sample(7, count) for count in (20, 60))
    assert {one.id for one in small} < {one.id for one in large}


@pytest.mark.parametrize(
    ("code", "wanted"),
    [
        ("x < 1", {"(x <= 1)", "2"}),
        ("x and y", {"(x or y)"}),
        ("f(a=x, b=y)", {"f(b=y)", "f(a=x)", "None"}),
        ("'word'", {"'wordX'"}),
        ("'for users'", set()),
        ("f'{x}'", set()),
    ],
)
def test_expressions_have_these_mutations(tmp_path, code, wanted):
    file = tmp_path / "made.py"
    file.write_text(f"def f(x, y):\n    return {code}\n", "utf-8")
    changed = {one.after for one in mutation_operators.mutants(tmp_path, file, "wrapper")}
    assert changed - {"None"} == wanted - {"None"}


def test_a_finished_thread_does_not_stop_the_profiler():
    """Otherwise later tests would seem to call nothing and would run for no mutant."""
    watch = baseline._Watch()
    try:
        thread = threading.Thread(target=package_copy.module, args=["wrapper/a.py"])
        thread.start()
        thread.join()
        assert "module" in _names(watch)
        mutation_operators.mutants(package_copy.ROOT, Path(mutation_operators.__file__), "wrapper")
        assert "mutants" in _names(watch)
    finally:
        watch.stop()


def _names(watch):
    return {name for file, name, _ in watch.seen() if "mutants" in file}


BEFORE = """
LIMIT = 1
class Thing:
    size: int = 1
    def grow(self, by=1):
        def inner():
            return by
        return [inner() + one for one in (1, 2)]
"""


@pytest.mark.parametrize(
    ("change", "functions"),
    [
        (("return by", "return -by"), {"Thing.grow", "Thing.grow.<locals>.inner"}),
        (("(1, 2)", "(1, 3)"), {"Thing.grow"}),
        (("LIMIT = 1", "LIMIT = 2"), None),
        (("size: int = 1", "size: int = 2"), None),
        (("by=1", "by=2"), None),
    ],
)
def test_only_function_changes_are_swapped(change, functions):
    plan = code_swap.plan("made.py", BEFORE, BEFORE.replace(*change))
    assert (plan and {name for name, _ in plan.codes}) == functions
