"""``python -m docs.site_builder FOLDER``: build the site; exit code 1 if anything is wrong."""

from __future__ import annotations

import sys
from pathlib import Path

from docs.site_builder.site import build_site

problems = build_site(Path(sys.argv[1]))
print(*problems or [f"{sys.argv[1]}/html/index.html"], sep="\n")
sys.exit(bool(problems))
