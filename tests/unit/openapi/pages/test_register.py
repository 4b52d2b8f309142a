"""`pages.toml`: read strictly, written so that it reads back as the same bytes."""

from __future__ import annotations

import pytest

from contract_tools._common.errors import ContractError
from contract_tools._common.workspace import Workspace
from contract_tools.pages import register

ENTRY = """\
[[page]]
source = "a.openapi.json"
method = "GET"
path = "/a"
sha256 = "00"
obtained = "transcribed"
confidence = { operation = "documented" }
"""


def test_the_register_survives_being_written(repository: Workspace) -> None:
    entries = register.read_register(repository)
    assert register.render_register(entries) == repository.register.read_bytes()
    assert register.render_register(entries[::-1]) == repository.register.read_bytes()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"a.openapi.json"', '""', "page 1: source: expected a non-empty string, found ''"),
        ('method = "GET"\n', "", "page 1: method: expected a non-empty string, found nothing"),
        ("[[page]]", "[page]", "`page` must be an array of tables"),
        ("[[page]]", "[[page", "not TOML"),
        ('"transcribed"', '"guessed"', "obtained must be one of .*, is 'guessed'"),
        ('"transcribed"', '"page"', "a transcribed page, and no other, has a confidence table"),
        ('confidence = { operation = "documented" }\n', "", "transcribed page, and no other"),
        ('"documented"', '"sure"', "operation must be one of .*, is 'sure'"),
        ('{ operation = "documented" }', '"documented"', "confidence: expected an object"),
    ],
)
def test_a_broken_register_is_refused(
    empty_workspace: Workspace, old: str, new: str, message: str
) -> None:
    assert old in ENTRY
    empty_workspace.register.write_text(ENTRY.replace(old, new))
    with pytest.raises(ContractError, match=message) as caught:
        register.read_register(empty_workspace)
    assert str(caught.value).startswith("openapi/vendor/pages.toml: ")
