"""What importing and using validation loads."""

from __future__ import annotations

import subprocess
import sys


def test_importing_it_loads_neither_engine_nor_http_nor_the_contract():
    script = (
        "import sys, cometapi_runway.validation as v\n"
        "assert not {'jsonschema_rs', 'httpx', 'cometapi_runway_api'} & set(sys.modules)\n"
        "v.contract().check_body('control_a_character', {})\n"
        "assert 'jsonschema_rs' in sys.modules\n"
        "assert not {'httpx', 'cometapi_runway_api'} & set(sys.modules)\n"
    )
    paths = [path for path in sys.path if path]
    done = subprocess.run(
        [sys.executable, "-c", script], env={"PYTHONPATH": ":".join(paths)}, capture_output=True,
        check=False, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
