"""The lists of mutants fit the code: every pick applies, every equivalent matches a mutant."""

from __future__ import annotations

import ast
import functools
import gc
import re
import threading
from collections import Counter, defaultdict
from fnmatch import fnmatchcase
from pathlib import Path

import pytest
from tests.cases import each_case

from . import (
    areas,
    baseline,
    code_swap,
    mutation_operators,
    package_copy,
    picked_mutants,
    random_mutants,
    suites,
)
from .package_copy import ROOT

PATHS = [path for area in areas.AREAS for path in (area.folder, *area.without)]


@pytest.fixture(autouse=True, scope="module")
def _cache_mutants():
    """Make the mutants of each area once, which takes up to a second, and compile each once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(random_mutants, "all_mutants", functools.cache(random_mutants.all_mutants))
        patch.setattr(random_mutants, "compiles", functools.cache(random_mutants.compiles))
        yield


def test_every_picked_mutant_applies_and_has_suites_that_judge_it():
    picks, stale = picked_mutants.apply_all()
    assert not stale, "\n".join(["update these entries, their code has changed:", *stale])
    assert not [name for name, count in Counter(one.id for one in picks).items() if count > 1]
    assert len(picks) >= 75
    assert {one.area for one in picks} >= {"generated", "core", "contract"}
    areas_judged = {area for suite in suites.SUITES for area in suite.areas}
    assert not [one.id for one in picks if one.area not in areas_judged]


def test_every_area_has_a_suite():
    """The comparison suite does not count."""
    judged = {area for one in suites.SUITES if one.name != suites.COMPARISON for area in one.areas}
    assert judged == {area.name for area in areas.AREAS} | {areas.CONTRACT}


def test_no_file_belongs_to_two_areas():
    files = [file for area in areas.AREAS for file in area.files]
    assert len(files) == len(set(files))


def test_every_module_belongs_to_an_area():
    files = {file for area in areas.AREAS for file in area.files}
    every = {file for folder in package_copy.FOLDERS for file in (ROOT / folder).rglob("*.py")}
    assert every == files
    assert all(areas.find_area(file.relative_to(ROOT).as_posix()) for file in files)


def test_every_test_that_a_suite_leaves_out_exists():
    for suite in suites.SUITES:
        for one in (*suite.folders, *suite.without):
            assert (ROOT / one).exists(), one
        for one in suite.deselected:
            file, _, test = one.partition("::")
            assert re.search(rf"(def|class) {test}\b", (ROOT / file).read_text("utf-8")), one


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


@each_case("path", PATHS)
def test_every_path_of_an_area_exists(path):
    assert (ROOT / path).exists()


def test_every_equivalent_matches_a_mutant():
    alike = defaultdict(list)
    for area in areas.AREAS:
        for one in random_mutants.all_mutants(area):
            alike[one.before, one.after].append(one)
    entries = random_mutants.equivalents()
    gone = [one for one in entries if not any(map(one.covers, alike[one.before, one.after]))]
    lines = [f"{one.file}, {one.scope}: {one.before!r} -> {one.after!r}" for one in gone]
    assert not gone, "\n".join(["no mutant matches these entries of equivalents.toml:", *lines])


def test_every_equivalent_has_a_reason():
    assert not [one for one in random_mutants.equivalents() if len(one.reason.split()) < 5]


MODULES = sorted(ROOT.glob("generated/cometapi_runway_api/api/*/[a-z]*.py"))


@each_case("module", MODULES, ids=[one.stem for one in MODULES])
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


def _list_parsers():
    """The functions in the generated models that read one field, by scope."""
    for file in ROOT.glob("generated/cometapi_runway_api/models/*.py"):
        for kind in ast.parse(file.read_text("utf-8")).body:
            for one in ast.walk(kind):
                if isinstance(one, ast.FunctionDef) and one.name.startswith("_parse_"):
                    yield f"{kind.name}.from_dict.{one.name}", one


def test_parsers_with_conditions_that_have_no_effect_return_their_input():
    """The list of equivalents relies on it."""
    scopes = {one.scope for one in random_mutants.equivalents()
              if one.before in {"data is None", "data"} and "models" in one.file}  # fmt: skip
    readers = [one for name, one in _list_parsers() for scope in scopes if fnmatchcase(name, scope)]
    assert len(readers) >= 25
    for reader in readers:
        assert ast.unparse(reader.body[0]).startswith("if data is None:")
        returned = [one.value for one in ast.walk(reader) if isinstance(one, ast.Return)]
        values = {ast.unparse(one.args[-1] if isinstance(one, ast.Call) else one)
                  for one in returned}  # fmt: skip
        calls = {ast.unparse(one.func) for one in returned if isinstance(one, ast.Call)}
        assert (values, calls) == ({"data"}, {"cast"}), reader.name


def test_a_sample_depends_only_on_the_seed(monkeypatch):
    # Without the cache, which would make them equal.
    monkeypatch.setattr(random_mutants, "all_mutants", random_mutants.all_mutants.__wrapped__)
    area = min(areas.AREAS, key=lambda one: len(one.files))
    first, other = (random_mutants.sample(seed, area, 30) for seed in (7, 8))
    again = random_mutants.sample(7, area, 30)
    assert first == again
    assert first != other


def test_samples_of_every_area():
    for area in areas.AREAS:
        small, large = (random_mutants.sample(7, area, count) for count in (30, 60))
        assert [one.area for one in small] == [area.name] * 30
        assert all(area.has(one.file) for one in small)
        assert sum(one.is_handling for one in small) == 6, "one in five changes an except clause"
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
        ("field(factory=dict[str, 'Word'])", {"field()"}),
    ],
)
def test_expressions_have_these_mutations(tmp_path, code, wanted):
    file = tmp_path / "made.py"
    file.write_text(f"def f(x, y):\n    return {code}\n", "utf-8")
    changed = {one.after for one in mutation_operators.mutants(tmp_path, file, "core")}
    assert changed - {"None"} == wanted - {"None"}


TRY = """
def f(x):
    try:
        return x()
    {}
"""


@pytest.mark.parametrize(
    ("clauses", "wanted"),
    [
        ("except OSError:\n        x = 2", {"FileNotFoundError"}),
        ("except KeyError:\n        pass", {"ZeroDivisionError", "raise"}),
        ("except (A, B, C):\n        x.y()", {"(B, C,)", "(A, C,)", "(A, B,)"}),
        ("except (ValueError,):\n        x.y()", set()),
        ("except:\n        x.y()", set()),
        ("finally:\n        x.y()", set()),
    ],
)
def test_except_clauses_have_these_mutations(tmp_path, clauses, wanted):
    assert {one.after for one in handling(tmp_path, TRY.format(clauses))} == wanted


@pytest.mark.parametrize(
    ("first", "second", "is_swapped"),
    [
        ("KeyError", "LookupError", True),
        ("(TypeError, FileNotFoundError)", "OSError", True),
        ("MineError", "(BaseError, OSError)", True),
        ("json.JSONDecodeError", "ValueError", True),
        ("KeyError", "ValueError", False),
        ("OSError", "FileNotFoundError", False),
    ],
)
def test_related_except_clauses_swap_places(tmp_path, first, second, is_swapped):
    (tmp_path / "wrapper").mkdir()
    (tmp_path / "wrapper/mine.py").write_text("class MineError(other.BaseError):\n    ...\n")
    clauses = (f"except {first} as error:\n        x.first(error)  # noqa\n    # Between.\n"
               f"    except {second}:\n        x.second(\n            1)\n    x.end()")  # fmt: skip
    swaps = [one for one in handling(tmp_path, TRY.format(clauses)) if "first" in one.after]
    assert len(swaps) == is_swapped
    for one in swaps:
        assert one.source == TRY.format(
            f"except {second}:\n        x.second(\n            1)\n    # Between.\n"
            f"    except {first} as error:\n        x.first(error)  # noqa\n    x.end()"
        )


@pytest.mark.parametrize(
    ("call", "wanted"),
    [
        ("suppress(OSError)", {"suppress(FileNotFoundError)"}),
        ("contextlib.suppress(A, B)", {"contextlib.suppress(B)", "contextlib.suppress(A)"}),
    ],
)
def test_suppress_has_these_mutations(tmp_path, call, wanted):
    code = f"def f(x):\n    with {call}:\n        x()\n"
    assert {one.after for one in handling(tmp_path, code)} == wanted


def handling(folder, code):
    """The mutants of exception handling in a module; all of them compile."""
    file = folder / "made.py"
    file.write_text(code, "utf-8")
    every = mutation_operators.mutants(folder, file, "core")
    found = [one for one in every if one.is_handling]
    assert all(map(mutation_operators.compiles, found))
    return found


def test_a_finished_thread_does_not_stop_the_profiler():
    """Otherwise later tests would seem to call nothing and would run for no mutant."""
    watch = baseline._Watch()
    try:
        thread = threading.Thread(target=package_copy.module, args=["wrapper/a.py"])
        thread.start()
        thread.join()
        assert "module" in _names(watch)
        mutation_operators.mutants(package_copy.ROOT, Path(mutation_operators.__file__), "core")
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


@each_case(
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


def _grown(size):
    return size + 1


def test_functions_that_the_collector_does_not_visit_are_swapped_too():
    """Our own conftest freezes what pytest has collected."""
    text = Path(__file__).read_text("utf-8")
    plan = code_swap.plan(__file__, text, text.replace("return size + 1\n", "return size + 2\n", 1))
    code = _grown.__code__
    gc.freeze()
    try:
        assert code_swap.apply(plan) == 1
        assert _grown(1) == 3
    finally:
        gc.unfreeze()
        _grown.__code__ = code
