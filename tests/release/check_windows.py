"""What can be checked of Windows on another system: each module is imported without POSIX.

Libraries are imported before, as they are; then this package finds the platform's name, no module
and no function that Windows lacks.
"""

from __future__ import annotations

import subprocess
import sys

from .conftest import ROOT

IMPORT_ALL = """
import importlib, os, pkgutil, signal, socket, sys, types

sys.path[:0] = ["wrapper", "generated"]

def import_all():
    for name in ("cometapi_runway", "cometapi_runway_api"):
        package = importlib.import_module(name)
        for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
            importlib.import_module(module.name)

import_all()
for name in [name for name in sys.modules if name.startswith("cometapi_runway")]:
    del sys.modules[name]

sys.platform = "win32"
for name in "fcntl grp posix pty pwd resource select syslog termios tty".split():
    sys.modules[name] = None
sys.modules["msvcrt"] = types.ModuleType("msvcrt")
for module, names in {
    os: "fork register_at_fork O_NOFOLLOW O_NONBLOCK geteuid getuid killpg mkfifo wait4",
    signal: "SIGKILL SIGHUP SIGALRM SIGUSR1 SIGSTOP SIGCONT SIGPIPE setitimer pthread_sigmask",
    socket: "AF_UNIX",
}.items():
    for name in names.split():
        if hasattr(module, name):
            delattr(module, name)
import_all()
print(len([name for name in sys.modules if name.startswith("cometapi_runway")]))
"""


def test_every_module_is_imported_without_posix() -> None:
    done = subprocess.run(
        [sys.executable, "-c", IMPORT_ALL], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 200
