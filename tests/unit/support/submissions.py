"""Jitter and a refusal for the tests of submissions."""

from __future__ import annotations

from .fault_table import platform
from .virtual_time import FixedJitter

MOST = FixedJitter(1.0)
REFUSED = platform(400, "no", "invalid_request")
