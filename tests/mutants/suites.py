"""The test suites, and which of their tests are irrelevant for mutants."""

from __future__ import annotations

from attrs import frozen

COMPARISON = "comparison"


@frozen
class Suite:
    """A test suite.

    Attributes:
        name: its column in the report.
        folder: the folder of its tests.
        without: files that do not test the client: they test the harness itself, clients that they
            generate themselves, or the command line.
        deselected: single tests that start processes, which do not have the mutation.
        about: the groups of mutants that it runs for.
        has_slow_variants: whether a few variants of each test run before all of them.
    """

    name: str
    folder: str
    without: tuple[str, ...] = ()
    deselected: tuple[str, ...] = ()
    about: tuple[str, ...] = ("generated", "wrapper", "contract")
    has_slow_variants: bool = False

    def applies_to(self, group: str) -> bool:
        """Whether the suite runs for mutants of a group."""
        return group in self.about

    @property
    def arguments(self) -> list[str]:
        """The arguments of pytest."""
        ignored = [f"--ignore={self.folder}/{one}" for one in self.without]
        return [self.folder, *ignored, *self.left_out]

    @property
    def left_out(self) -> list[str]:
        """The options that deselect single tests."""
        return [f"--deselect={self.folder}/{one}" for one in self.deselected]


# In the order in which they run: quick ones first.
SUITES = (
    Suite(COMPARISON, "tests/mutants/comparison"),
    Suite(
        "unit",
        "tests/unit",
        without=("cli", "openapi", "testing"),
        deselected=("journal/test_journal_files.py::test_processes_share_it",),
        about=("wrapper",),
    ),
    Suite(
        "contract",
        "tests/contract",
        without=(
            "test_coverage.py",
            "test_generator_issues.py",
            "test_generator_response_issues.py",
            "test_new_operation.py",
            "test_page_audit.py",
            "test_reporting.py",
            "test_value_source.py",
        ),
        deselected=("test_client_as_server.py::test_the_schemathesis_command_line_passes",),
        has_slow_variants=True,
    ),
)
# Libraries that are also pytest plugins are imported before pytest starts and are not rewritten.
_LOADED_EARLY = "ignore::pytest.PytestAssertRewriteWarning"
COMMON = ("-q", "-p", "no:cacheprovider", "-p", "no:xdist", "-W", _LOADED_EARLY)
