"""The identity of a journal's file: whatever hides the file, there is none."""

from __future__ import annotations

from pathlib import Path

from tests.cases import each_case

from cometapi_runway.journal._sqlite_file import _identify


def test_a_file_has_one_and_another_file_has_another(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    for file in (one, other):
        file.touch()
    assert _identify(one) == _identify(one) is not None
    assert _identify(one) != _identify(other)
    (tmp_path / "link").hardlink_to(one)
    assert _identify(tmp_path / "link") == _identify(one)


@each_case("place", ["missing", "file/below", "loop", "long" * 100])
def test_what_cannot_be_found_has_none(tmp_path: Path, place: str) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    assert _identify(tmp_path / place) is None
