"""Every code block of the documentation does what its page says."""

from __future__ import annotations

import functools
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import get_args, get_type_hints

import attrs
import pytest
from cyclopts import field_info
from cyclopts.argument import _collection
from cyclopts.argument.utils import extract_docstring_help
from tests.cases import each_case

from cometapi_runway import _settings, errors
from cometapi_runway.cli._options import paths
from cometapi_runway.resources._client_resources import list_client_resources
from cometapi_runway.simulator import Timings
from cometapi_runway.simulator._rules.faults import Kind
from docs.site_builder import tables
from docs.site_builder.pages import Page, list_pages, read_pages
from docs.site_builder.site import find_dead_links, to_markdown, write_llms_txt

from .code_blocks import read_blocks
from .page_runner import run_page

ROOT = Path(__file__).parents[2]
README = Page("README", "README.md", (ROOT / "README.md").read_text("utf-8"))
# Writing the generated parts takes a second, in each process that collects tests.
NAMES = sorted(["README", *list_pages()])
CLIP = "https://example.com/clip.mp4"


@functools.cache
def all_pages() -> dict[str, Page]:
    return {"README": README, **read_pages()}


@pytest.fixture(autouse=True, scope="module")
def _cache_options() -> Iterator[None]:
    """Read the types and docstrings of each class of options once, not for each command."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(field_info, "get_type_hints", functools.cache(get_type_hints))
        cached = functools.cache(extract_docstring_help)
        patch.setattr(_collection, "extract_docstring_help", cached)
        yield


def test_every_page_is_listed() -> None:
    assert sorted(all_pages()) == NAMES


@pytest.mark.skipif(os.name == "nt", reason="the pages show paths as POSIX systems write them")
@pytest.mark.parametrize("name", NAMES)
def test_every_block_of_a_page_does_what_it_says(name: str, tmp_path: Path) -> None:
    page = all_pages()[name]
    assert run_page(name, page.text, tmp_path).splitlines() == page.text.splitlines(), (
        f"python -m tests.documentation {page.source} writes the new output into the page"
    )


def block(language: str, text: str) -> str:
    return f"# A page\n\n```{language}\n{text}\n```\n"


@each_case(
    "page",
    [
        block("python", "from cometapi_runway import RunwayClint"),
        block("python", f'RunwayClient().video_upscale.creat(video_uri="{CLIP}")'),
        block("shell", f"cometapi-runway video-upscale --video-url {CLIP}"),
        block("shell", "cometapi-runway video-upscale"),
        block("shell", "pip install cometapi-runway[simulater]"),
        block("shell", "make demos"),
        block("json", '{"a": 1,}'),
        block("toml", "a = b"),
        block("console", "cometapi-runway tasks list"),
        block("", "some text"),
        "<!-- captured -->\n" + block("console", "$ cometapi-runway tasks list --unknwn")[10:],
        "<!-- run\nimport nothing_of_that_name\n-->\n",
    ],
)
def test_a_misspelt_block_fails(page: str, tmp_path: Path) -> None:
    assert list(read_blocks(page))
    with pytest.raises((Exception, SystemExit)):
        run_page("page", page, tmp_path)


@pytest.mark.parametrize(
    ("shown", "printed"),
    [
        (block("console", "$ cometapi-runway tasks list\nno task"), "\nno tasks in the journal"),
        (block("python", "print(1 + 1)") + "\n" + block("text", "3")[10:], "```text\n2\n```"),
    ],
)
def test_another_output_fails(shown: str, printed: str, tmp_path: Path) -> None:
    updated = run_page("page", shown, tmp_path)
    assert updated != shown
    assert printed in updated


def test_an_id_stands_for_the_same_id_in_a_whole_page(tmp_path: Path) -> None:
    ids = ("5b91e444-c232-deaf-a4d7-8aef3e57336b", "6b91e444-c232-deaf-a4d7-8aef3e57336b")
    script = f'task = RunwayClient().video_upscale.create(video_uri="{CLIP}")\nprint(task.id)'
    start = block("python", f"from cometapi_runway import RunwayClient\n{script}")
    output = "\n```text\n{}\n```\n\n```python\nprint(task.id)\n```\n\n```text\n{}\n```\n"
    same, other = start + output.format(ids[0], ids[0]), start + output.format(*ids)
    assert run_page("page", same, tmp_path) == same
    assert run_page("page", other, tmp_path) != other


def test_blocks_do_not_reach_the_gateway(tmp_path: Path) -> None:
    """The test process has no network, so that an escaped request would fail the page."""
    page = block(
        "python", "import httpx\nprint(httpx.get('https://api.cometapi.com/').status_code)"
    )
    assert run_page("page", page, tmp_path) == page


def test_generated_tables_name_everything() -> None:
    assert all(f"| `{kind}` | " in tables.fault_kinds() for kind in get_args(Kind))
    assert all(f"| `{one.name}` | " in tables.timings() for one in attrs.fields(Timings))
    tree = tables.error_tree()
    assert {name for name in errors.__all__ if name.endswith("Error")} == set(
        re.findall(r"\w+Error\b(?=  )", tree)
    )


def test_the_page_on_settings_names_every_variable() -> None:
    variables = {
        value
        for module in (_settings, paths)
        for name, value in vars(module).items()
        if name.endswith("_VARIABLE")
    }
    assert {name for name in variables if name not in all_pages()["settings"].text} == set()


def test_every_operation_has_a_page_in_both_languages() -> None:
    pages = [page for page in all_pages().values() if page.is_operation]
    assert len(pages) == len(list_client_resources())
    for page in pages:
        assert [one.language for one in read_blocks(page.text)] == ["python", "shell"]


def test_a_markdown_twin_has_nothing_for_sphinx_or_for_tests() -> None:
    for page in all_pages().values():
        twin = to_markdown(page.shown)
        assert not re.search(
            r"^:::|^```\{toctree|\{py:|^<!-- (run|file|captured)", twin, re.MULTILINE
        )
        assert page.title in twin


def test_llms_txt_lists_every_page_once() -> None:
    pages = {name: page for name, page in all_pages().items() if name != "README"}
    listed = re.findall(r"\]\(([\w/-]+)\.md\):", write_llms_txt(pages))
    assert sorted(listed) == sorted(pages.keys() - {"index"})


def test_dead_links_are_found(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text(
        '<p id="x"><a href="b.html#y">b</a><a href="#x">x</a>', "utf-8"
    )
    (tmp_path / "b.html").write_text('<a href="c.html">c</a><a href="https://example.com">e</a>')
    (tmp_path / "a.md").write_text("[b](b.md)", "utf-8")
    assert sorted(find_dead_links(tmp_path)) == [
        "a.html: no anchor b.html#y",
        "a.md: no file b.md",
        "b.html: no file c.html",
    ]
