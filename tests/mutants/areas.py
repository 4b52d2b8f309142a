"""The areas of the code: each has its own suites, its own sample and its own line in the report."""

from __future__ import annotations

from pathlib import Path

from attrs import frozen

from .package_copy import ROOT

CONTRACT = "contract"
"""The area of contracts that change without the client."""


@frozen
class Area:
    """Files that the same suites judge.

    Attributes:
        name: its name on the command line and in the report.
        paths: its folders and files, relative to the repository.
        count: the number of random mutants of a run.
        without: files in them that need what the suites do not have: a PostgreSQL server.
    """

    name: str
    paths: tuple[str, ...]
    count: int
    without: tuple[str, ...] = ()

    @property
    def files(self) -> list[Path]:
        """Its Python files, in order."""
        found = (ROOT / path for path in self.paths)
        files = {file for one in found for file in ([one] if one.is_file() else one.rglob("*.py"))}
        return sorted(files - {ROOT / path for path in self.without})

    def has(self, file: str) -> bool:
        """Whether a file, relative to the repository, belongs to the area."""
        if file in self.without:
            return False
        return any(file == path or file.startswith(f"{path}/") for path in self.paths)


_CLIENT = "wrapper/cometapi_runway"
_ROOMS = ("batch", "_capture", "_core", "_flows", "_io", "journal", "resources", "validation")
_MODULES = ("_client.py", "_settings.py", "callbacks.py", "errors.py")
# The counts keep a run at about ten minutes on two cores.
AREAS = (
    Area("generated", ("generated/cometapi_runway_api",), 40),
    Area(
        "core",
        tuple(f"{_CLIENT}/{name}" for name in (*_ROOMS, *_MODULES)),
        70,
        without=(f"{_CLIENT}/journal/_postgres.py",),
    ),
    Area("simulator", (f"{_CLIENT}/simulator",), 45),
    Area("command line", (f"{_CLIENT}/cli",), 45),
    Area("agents", (f"{_CLIENT}/mcp",), 25),
    Area("contract tools", ("openapi/contract_tools",), 45),
)


def find_area(file: str) -> str:
    """The name of the area of a file, relative to the repository; empty if it has none."""
    return next((area.name for area in AREAS if area.has(file)), "")
