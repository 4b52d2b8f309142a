"""The table of operations in a file is the one made from the contract."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from contract_tools.__main__ import main
from contract_tools._common.errors import ContractError
from contract_tools._common.workspace import Workspace
from contract_tools.generate import operations_table as table

ROOT = Path(__file__).resolve().parents[4]
CONTRACT = json.loads((Workspace.here().package / "contract.json").read_text("utf-8"))


SHOWN = [ROOT / "README.md"]


@pytest.mark.parametrize("path", SHOWN, ids=[str(path.relative_to(ROOT)) for path in SHOWN])
def test_the_table_in_a_file_is_current(path: Path) -> None:
    text = path.read_text("utf-8")
    assert table.insert_table(text, table.operations_table(CONTRACT)) == text, (
        f"PYTHONPATH=openapi python -m contract_tools table --write {path.relative_to(ROOT)}"
    )


def test_the_table_has_every_request_under_its_python_name() -> None:
    rows = [line.split(" | ") for line in table.operations_table(CONTRACT).splitlines()[2:]]
    named = [one["x-resource"] for item in CONTRACT["paths"].values() for one in item.values()]
    assert len(rows) == sum(len(one) if isinstance(one, dict) else 1 for one in named)
    assert {row[1].strip("`") for row in rows} == {
        f"{method.upper()} {path}" for path, item in CONTRACT["paths"].items() for method in item
    }
    calls = [row[0].strip("| `") for row in rows]
    assert calls[0] == "client.character_performance.create"
    assert calls[-2:] == ["client.tasks.retrieve", "client.compat.tasks.retrieve"]
    assert {row[1] for row in rows if ".compat." in row[0]} == {
        row[1] for row in rows if "/runway/" in row[1]
    }


def test_the_table_states_what_was_transcribed() -> None:
    rows = {line.split("`")[1]: line for line in table.operations_table(CONTRACT).splitlines()[2:]}
    assert "| the page itself | all documented |" in rows["client.character_performance.create"]
    assert "| a transcription |" in rows["client.compat.image_to_video.create"]
    assert "8 inferred" in rows["client.compat.image_to_video.create"]
    # Two pages share this route; each has its own confidence levels.
    assert "inferred" not in rows["client.compat.text_to_video.create"]


def test_the_table_is_inserted_between_its_marks() -> None:
    text = f"above\n{table.BEGIN}\nold\n{table.END}\nbelow\n"
    assert table.insert_table(text, "new\n") == f"above\n{table.BEGIN}\nnew\n{table.END}\nbelow\n"


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
        table.insert_table(text, "new\n")


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["table"]) == 0
    assert capsys.readouterr().out == table.operations_table(CONTRACT)
    file = tmp_path / "page.md"
    file.write_text(f"{table.BEGIN}\n{table.END}\n", "utf-8")
    assert main(["table", "--write", str(file)]) == 0
    assert table.operations_table(CONTRACT) in file.read_text("utf-8")
    file.write_text("no marks", "utf-8")
    assert main(["table", "--write", str(file)]) == 1
    assert "page.md" in capsys.readouterr().err
    assert file.read_text("utf-8") == "no marks"
