"""Who judges, and which of their tests have nothing to say about a defect."""

from __future__ import annotations

from attrs import frozen

NAIVE = "naive"


@frozen
class Judge:
    """A suite.

    Attributes:
        name: the column it has in the report.
        folder: where its tests are.
        without: files that say nothing about the client's code: they test the harness itself, or
            clients that are generated on the spot, or the command line.
        deselected: single tests that start processes, which do not have the defect.
        about: the groups of defects that it is asked about.
        has_slow_variants: whether a few variants of each test are tried before all of them.
    """

    name: str
    folder: str
    without: tuple[str, ...] = ()
    deselected: tuple[str, ...] = ()
    about: tuple[str, ...] = ("generated", "wrapper", "contract")
    has_slow_variants: bool = False

    def is_asked_about(self, group: str) -> bool:
        """Whether defects of a group are any of its business."""
        return group in self.about

    @property
    def arguments(self) -> list[str]:
        """What pytest is called with."""
        ignored = [f"--ignore={self.folder}/{one}" for one in self.without]
        return [self.folder, *ignored, *self.left_out]

    @property
    def left_out(self) -> list[str]:
        """What pytest is told of single tests, whatever else it is called with."""
        return [f"--deselect={self.folder}/{one}" for one in self.deselected]


# In the order they are asked: quick ones first.
JUDGES = (
    Judge(NAIVE, "tests/mutants/naive"),
    Judge(
        "unit",
        "tests/unit",
        without=("cli", "openapi", "testing_kit", "test_new_page.py"),
        deselected=("test_journal.py::test_processes_share_it",),
        about=("wrapper",),
    ),
    Judge(
        "contract",
        "tests/contract",
        without=(
            "test_draws.py",
            "test_facets.py",
            "test_infidelities.py",
            "test_infidelities_answers.py",
            "test_new_operation.py",
            "test_pages.py",
            "test_reporting.py",
        ),
        deselected=("test_mirror.py::test_the_schemathesis_command_line_passes",),
        has_slow_variants=True,
    ),
)
# Libraries that are plugins of pytest too are loaded before it starts; nobody rewrites theirs.
_LOADED_EARLY = "ignore::pytest.PytestAssertRewriteWarning"
COMMON = ("-q", "-p", "no:cacheprovider", "-p", "no:xdist", "-W", _LOADED_EARLY)
