"""``python -m tests.documentation FILE…``: write what the blocks of a page print into the page."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from .page_runner import run_page

for file in map(Path, sys.argv[1:]):
    text = file.read_text("utf-8")
    with tempfile.TemporaryDirectory() as folder:
        file.write_text(run_page(file.stem, text, Path(folder)), "utf-8")
