"""Fixtures of the journal tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from ..support.journals import Location


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "folder" / "runway.journal"


@pytest.fixture(params=["sqlite", "postgresql"])
def location(request: pytest.FixtureRequest) -> Location:
    """Where a new journal is, in each of the databases."""
    name = "path" if request.param == "sqlite" else "postgres_url"
    found: Location = request.getfixturevalue(name)
    return found
