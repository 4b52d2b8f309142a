"""hypothesis' tables of characters, for programs that run in an empty folder.

hypothesis keeps them in the working directory, and takes two seconds to compute them.
"""

from __future__ import annotations

from pathlib import Path

NAME = Path(".hypothesis", "unicode_data")
KEPT = Path(__file__).parents[1] / NAME


def link_tables(folder: Path) -> None:
    """Have programs in a folder use the tables that the tests use. Nothing else is shared."""
    KEPT.mkdir(parents=True, exist_ok=True)
    (folder / NAME).parent.mkdir()
    (folder / NAME).symlink_to(KEPT, target_is_directory=True)
