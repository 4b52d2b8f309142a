"""A copy of the packages with one changed file; the other files are links.

For mutants outside functions: a constant, a default, a class field, a contract. The tests find
the copy before the original.
"""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDERS = ("wrapper", "generated", "openapi")


def make(folder: Path, file: str, source: str) -> list[str]:
    """Fill a folder and return the value of `pythonpath`.

    Args:
        folder: an empty folder.
        file: the changed file, relative to the repository.
        source: its text.
    """
    where = Path(file)
    top, *inner, name = where.parts
    paths = [folder / one if one == top else ROOT / one for one in FOLDERS]
    here, real = folder / top, ROOT / top
    here.mkdir(parents=True)
    # The tools find the repository from their own file.
    _link_all(ROOT, folder, without=top)
    for step in inner:
        _link_all(real, here, without=step)
        here, real = here / step, real / step
        here.mkdir()
    _link_all(real, here, without=name)
    (here / name).write_text(source, "utf-8")
    return list(map(str, paths))


def module(file: str) -> str:
    """The import name of a file, relative to the repository."""
    _, *parts = Path(file).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _link_all(real: Path, here: Path, without: str) -> None:
    for one in real.iterdir():
        # Compiled files contain neither the change nor the new path.
        if one.name not in {without, "__pycache__"}:
            (here / one.name).symlink_to(one)
