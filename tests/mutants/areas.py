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
        folder: its folder, relative to the repository.
        count: the number of random mutants of a run.
        without: folders and files in it that belong to another area or to none.
    """

    name: str
    folder: str
    count: int
    without: tuple[str, ...] = ()

    @property
    def files(self) -> list[Path]:
        """Its Python files, in order."""
        files = (ROOT / self.folder).rglob("*.py")
        return sorted(file for file in files if self.has(file.relative_to(ROOT).as_posix()))

    def has(self, file: str) -> bool:
        """Whether a file, relative to the repository, belongs to the area."""
        return _is_in(file, (self.folder,)) and not _is_in(file, self.without)


def _is_in(file: str, paths: tuple[str, ...]) -> bool:
    return any(file == path or file.startswith(f"{path}/") for path in paths)


_CLIENT = "wrapper/cometapi_runway"
_PARTS = (
    Area("simulator", f"{_CLIENT}/simulator", 45),
    Area("command line", f"{_CLIENT}/cli", 45),
    Area("agents", f"{_CLIENT}/mcp", 25),
)
# The counts keep a run at about ten minutes on two idle cores.
AREAS = (
    Area("generated", "generated/cometapi_runway_api", 40),
    # All of the client that no other area has, so that a new module cannot be forgotten.
    Area("core", _CLIENT, 70, without=tuple(part.folder for part in _PARTS)),
    *_PARTS,
    Area("contract tools", "openapi/contract_tools", 45),
)


def find_area(file: str) -> str:
    """The name of the area of a file, relative to the repository; empty if it has none."""
    return next((area.name for area in AREAS if area.has(file)), "")
