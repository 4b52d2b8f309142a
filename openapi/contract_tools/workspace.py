"""Where everything lies, relative to one root, so that a test can work on a copy."""

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
        """Return the workspace this copy of the tools belongs to."""
        return cls(Path(__file__).resolve().parents[2])

    @property
    def pyproject(self) -> Path:
        """The file whose dependency groups pin the generator and ruff."""
        return self.root / "pyproject.toml"

    @property
    def vendor(self) -> Path:
        """The vendored pages: never edited, each with its sha256 in the register."""
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
    def scratch(self) -> Path:
        """Where things are made before they are swapped in; same file system as their goal."""
        return self.root / ".build"

    def name(self, path: Path) -> str:
        """Name a file relative to the root, with forward slashes, for messages."""
        return path.relative_to(self.root).as_posix()
