"""Processes that are forked from a server, which has loaded what they need.

`multiprocessing` has one such server in each test process, and reads its list of modules once: it
is here, whichever tests come first.
"""

from __future__ import annotations

import multiprocessing
import os
from typing import Any

FORKS: Any = multiprocessing.get_context("forkserver" if hasattr(os, "fork") else "spawn")
"""Starts processes; where Python cannot fork, new ones."""
MODULES = [
    "tests.end_to_end.programs.kill_at_step",
    "tests.end_to_end.programs.used_client",
    "tests.unit.support.journal_processes",
]

if hasattr(os, "fork"):
    FORKS.set_forkserver_preload(MODULES)
