"""The paths of everything the tools read and write, relative to one root.

A test works on a copy by using another root.
"""

from __future__ import annotations

from pathlib import Path

from attrs import frozen

PACKAGE = "cometapi_runway_api"


@frozen
class Workspace:
    """The files the tools read and write.

    Attributes:
        root: the folder that holds `pyproject.toml`, `openapi/` and `generated/`.
    """

    root: Path

    @classmethod
    def here(cls) -> Workspace:
        """Return the repository that contains these tools."""
        return cls(Path(__file__).resolve().parents[3])

    @property
    def pyproject(self) -> Path:
        """The file whose dependency groups pin the generator and ruff."""
        return self.root / "pyproject.toml"

    @property
    def vendor(self) -> Path:
        """The vendored pages: never edited by hand, each with its sha256 in the register."""
        return self.root / "openapi" / "vendor"

    @property
    def register(self) -> Path:
        """The list of vendored pages."""
        return self.vendor / "pages.toml"

    @property
    def overlays(self) -> Path:
        """The fixes, as OpenAPI Overlay documents."""
        return self.root / "openapi" / "overlays"

    @property
    def contract(self) -> Path:
        """The derived contract."""
        return self.root / "openapi" / "runway.yaml"

    @property
    def generator_config(self) -> Path:
        """The configuration of openapi-python-client."""
        return self.root / "openapi" / "generator.yaml"

    @property
    def package(self) -> Path:
        """The generated import package."""
        return self.root / "generated" / PACKAGE

    @property
    def signatures(self) -> Path:
        """The wrapper's package of signatures, one function for each operation."""
        return self.root / "wrapper" / "cometapi_runway" / "resources" / "_signatures"

    @property
    def client(self) -> Path:
        """The wrapper's clients, with one line for each operation."""
        return self.root / "wrapper" / "cometapi_runway" / "_client.py"

    @property
    def samples(self) -> Path:
        """The requests that pages show, one file for each."""
        return self.root / "tests" / "data" / "samples"

    @property
    def scratch(self) -> Path:
        """Temporary results and reports; on the same file system as what they replace."""
        return self.root / ".build"

    def name(self, path: Path) -> str:
        """Return a file's path relative to the root, with forward slashes, for messages."""
        return path.relative_to(self.root).as_posix()
