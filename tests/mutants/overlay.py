"""A copy of the packages with one file changed: links, and that file.

For defects that are no function's own: a constant, a default, a field of a class, a contract. The
tests find the copy before the original, and import everything anew.
"""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDERS = ("wrapper", "generated")


def make(folder: Path, file: str, source: str) -> list[str]:
    """Fill a folder, and return what `pythonpath` has to be.

    Args:
        folder: an empty one.
        file: the changed file, below the repository's root.
        source: its text.
    """
    where = Path(file)
    top, *inner, name = where.parts
    paths = [folder / one if one == top else ROOT / one for one in FOLDERS]
    here, real = folder / top, ROOT / top
    here.mkdir(parents=True)
    for step in inner:
        _link_all(real, here, without=step)
        here, real = here / step, real / step
        here.mkdir()
    _link_all(real, here, without=name)
    (here / name).write_text(source, "utf-8")
    return [*map(str, paths), str(ROOT / "openapi")]


def module(file: str) -> str:
    """The import name of a file below the repository's root."""
    _, *parts = Path(file).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _link_all(real: Path, here: Path, without: str) -> None:
    for one in real.iterdir():
        # Compiled files know neither the change nor the place.
        if one.name not in {without, "__pycache__"}:
            (here / one.name).symlink_to(one)
