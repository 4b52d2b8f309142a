"""Every code block of the documentation does what its page says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from docs.site_builder.pages import Page, read_pages

from .page_runner import DocumentationError, run_page

ROOT = Path(__file__).parents[2]
README = Page("README", "README.md", (ROOT / "README.md").read_text("utf-8"))
PAGES = {"README": README, **read_pages()}


@pytest.mark.parametrize("name", sorted(PAGES))
def test_every_block_of_a_page_does_what_it_says(name: str, tmp_path: Path) -> None:
    page = PAGES[name]
    assert run_page(name, page.text, tmp_path).splitlines() == page.text.splitlines(), (
        f"python -m tests.documentation {page.source} writes the new output into the page"
    )
