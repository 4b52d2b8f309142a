"""Reading a saved page returns the block byte for byte, or an error that names the problem."""

from __future__ import annotations

from pathlib import Path

import pytest

from contract_tools._common.errors import ContractError
from contract_tools.pages.saved_page import CRLF_NOTE, read_page

INFO = (
    "yaml api/openapi/video/runway/official-format/post-control-a-character.openapi.json "
    "POST /runwayml/v1/character_performance"
)
MINIMAL = """\
openapi: 3.1.0
paths:
  /things/{id}:
    get:
      operationId: get_thing
      responses: {}
"""


def saved(tmp_path: Path, text: str | bytes) -> str:
    file = tmp_path / "saved.md"
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    return str(file)


def fenced(block: str, info: str = "yaml a/get-thing.openapi.json GET /things/{id}") -> str:
    return f"# Title\n\n````{info}\n{block}````\n"


def test_the_seed_page_is_read_byte_for_byte(seed_page: Path) -> None:
    content = seed_page.read_bytes()
    found = read_page(str(seed_page))
    assert found.source.endswith("official-format/post-control-a-character.openapi.json")
    assert found.route == "POST /runwayml/v1/character_performance"
    assert found.operation_id == "control_a_character"
    assert found.notes == ()
    start = content.index(INFO.encode()) + len(INFO) + 1
    assert content[start:] == found.block + b"````"


def test_a_page_may_contain_other_code_blocks(tmp_path: Path) -> None:
    others = "```yaml\nx: 1\n```\n\n````json\n{}\n````\n\n"
    assert read_page(saved(tmp_path, others + fenced(MINIMAL))).route == "GET /things/{id}"


def test_the_block_may_quote_code_in_three_backticks(tmp_path: Path) -> None:
    block = MINIMAL + "info:\n  description: |\n    ```yaml\n    x: 1\n    ```\n"
    assert read_page(saved(tmp_path, fenced(block))).block == block.encode()


def test_crlf_and_a_byte_order_mark_do_not_change_the_block(tmp_path: Path) -> None:
    text = fenced(MINIMAL).replace("\n", "\r\n").encode()
    found = read_page(saved(tmp_path, b"\xef\xbb\xbf" + text))
    assert found.block == MINIMAL.encode()
    assert found.notes == (CRLF_NOTE,)


def test_separators_that_are_not_line_endings_stay_in_the_block(tmp_path: Path) -> None:
    block = MINIMAL + 'info: {title: "a\u2028b"}\n'
    assert read_page(saved(tmp_path, fenced(block))).block == block.encode()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("# Only prose\n", "no OpenAPI block"),
        ("```yaml a.openapi.json GET /x\nopenapi: 3.1.0\n```\n", "no OpenAPI block"),
        (fenced(MINIMAL) * 2, "2 OpenAPI blocks, expected one: line 3: yaml .*; line 13: yaml"),
        (fenced(MINIMAL).removesuffix("````\n"), "opened on line 3 is never closed"),
        (fenced(MINIMAL, "yaml"), "info line must read .*, is 'yaml'"),
        (fenced(MINIMAL, "yaml a.openapi.json GET"), "info line must read"),
        (fenced(MINIMAL, "yaml a.openapi.json FETCH /things/{id}"), "'FETCH' is not an HTTP"),
        (fenced(MINIMAL, "yaml ../a.openapi.json GET /things/{id}"), r"source must be .*\.\./a"),
        (fenced(MINIMAL, "yaml thing.yaml GET /things/{id}"), "source must be .*thing.yaml"),
        (fenced("openapi: 3.1.0\n  paths: {\n"), "line 2, column 8.*not YAML"),
        (fenced("a: 1\na: 2\n"), "not YAML: .*duplicate key"),
        (fenced("- a\n- b\n"), "expected an object, found an array of 2"),
        (fenced("just text\n"), "expected an object, found 'just text'"),
        (fenced("swagger: '2.0'\n"), r"not OpenAPI 3\.x: `openapi` is nothing"),
        (fenced("openapi: 3.1\n"), r"not OpenAPI 3\.x: `openapi` is 3\.1"),
        (fenced("openapi: 2.0.0\n"), r"not OpenAPI 3\.x: `openapi` is '2\.0\.0'"),
        (fenced("openapi: 3.1.0\n"), "paths: expected an object, found nothing"),
        (fenced("openapi: 3.1.0\npaths: {}\n"), "GET /things/{id}, the block describes no op"),
        (
            fenced(MINIMAL, "yaml a.openapi.json POST /things/{id}"),
            r"names POST /things/\{id\}, the block describes GET /things/\{id\}",
        ),
        (
            fenced(MINIMAL, "yaml a.openapi.json GET /other"),
            r"names GET /other, the block describes GET /things/\{id\}",
        ),
        (
            fenced(MINIMAL + "    post: {operationId: b, responses: {}}\n"),
            r"describes GET /things/\{id\}, POST /things/\{id\}",
        ),
        (fenced(MINIMAL.replace("operationId: get_thing", "summary: x")), "operationId: expected"),
        (fenced(MINIMAL.replace("responses: {}", "summary: x")), "responses: expected an object"),
        (b"caf\xe9\n", "line 1, byte 3: 0xe9 is not UTF-8"),
        ("text".encode("utf-16"), "line 1, byte 0: 0xff is not UTF-8"),
    ],
)
def test_a_bad_page_is_refused_by_name(tmp_path: Path, text: str | bytes, message: str) -> None:
    file = saved(tmp_path, text)
    with pytest.raises(ContractError, match=message) as caught:
        read_page(file)
    assert str(caught.value).startswith(file)


def test_what_is_not_a_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ContractError, match=r"nowhere\.md: no such file"):
        read_page(str(tmp_path / "nowhere.md"))
    with pytest.raises(ContractError, match="is a folder; give the saved page"):
        read_page(str(tmp_path))
    with pytest.raises(ContractError, match="this is an address; save the page"):
        read_page("https://apidoc.cometapi.com/some/page.md")


def test_a_file_that_cannot_be_read_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(ContractError, match="cannot be read: Permission denied"):
        read_page(str(tmp_path / "secret.md"))
