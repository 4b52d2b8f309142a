"""The table of operations is made from the contract, wherever it is shown."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from contract_tools import table
from contract_tools.errors import ContractError
from contract_tools.workspace import Workspace

ROOT = Path(__file__).resolve().parents[3]


CONTRACT = json.loads((Workspace.here().package / "contract.json").read_text("utf-8"))


SHOWN = [ROOT / "README.md"]


@pytest.mark.parametrize("path", SHOWN, ids=[str(path.relative_to(ROOT)) for path in SHOWN])
def test_what_is_shown_is_what_is_made(path: Path) -> None:
    text = path.read_text("utf-8")
    assert table.placed(text, table.markdown(CONTRACT)) == text, (
        f"PYTHONPATH=openapi python -m contract_tools.table --write {path.relative_to(ROOT)}"
    )


def test_every_request_is_in_it_under_the_name_it_has_in_python() -> None:
    rows = [line.split(" | ") for line in table.markdown(CONTRACT).splitlines()[2:]]
    assert len(rows) == 11
    assert {row[1].strip("`") for row in rows} == {
        f"{method.upper()} {path}" for path, item in CONTRACT["paths"].items() for method in item
    }
    calls = [row[0].strip("| `") for row in rows]
    assert calls[0] == "client.character_performance.create"
    assert calls[-2:] == ["client.tasks.retrieve", "client.compat.tasks.retrieve"]
    assert {row[1] for row in rows if ".compat." in row[0]} == {
        row[1] for row in rows if "/runway/" in row[1]
    }


def test_it_says_what_was_transcribed() -> None:
    rows = {line.split("`")[1]: line for line in table.markdown(CONTRACT).splitlines()[2:]}
    assert "| the page itself | all documented |" in rows["client.character_performance.create"]
    assert "| a transcription |" in rows["client.compat.image_to_video.create"]
    assert "8 inferred" in rows["client.compat.image_to_video.create"]
    # Two pages share this route; each has its own words.
    assert "inferred" not in rows["client.compat.text_to_video.create"]


def test_it_is_put_between_its_marks() -> None:
    text = f"above\n{table.BEGIN}\nold\n{table.END}\nbelow\n"
    assert table.placed(text, "new\n") == f"above\n{table.BEGIN}\nnew\n{table.END}\nbelow\n"


@pytest.mark.parametrize(
    "text",
    [
        "",
        table.BEGIN,
        f"{table.END}\n{table.BEGIN}",
        f"{table.BEGIN}{table.END}{table.BEGIN}",
        f"{table.BEGIN}{table.END}{table.END}",
    ],
)
def test_a_text_without_its_marks_is_refused(text: str) -> None:
    with pytest.raises(ContractError, match="needs one line"):
        table.placed(text, "new\n")


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert table.main([]) == 0
    assert capsys.readouterr().out == table.markdown(CONTRACT)
    goal = tmp_path / "page.md"
    goal.write_text(f"{table.BEGIN}\n{table.END}\n", "utf-8")
    assert table.main(["--write", str(goal)]) == 0
    assert table.markdown(CONTRACT) in goal.read_text("utf-8")
    goal.write_text("no marks", "utf-8")
    assert table.main(["--write", str(goal)]) == 1
    assert "page.md" in capsys.readouterr().err
    assert goal.read_text("utf-8") == "no marks"
