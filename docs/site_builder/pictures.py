"""``python -m docs.site_builder.pictures``: draw the pictures of ``docs/pictures`` again.

It needs Chromium, Pillow and a system with pseudo-terminals, and for one picture the report that
``make contract`` writes. No test runs it.
"""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from io import StringIO
from pathlib import Path
from typing import Final

from PIL import Image
from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

from cometapi_runway import RunwayClient
from cometapi_runway.simulator import Fault, Outcome, SimClock, SimulatorServer, When, failed
from docs.site_builder.pages import DOCS

PICTURES: Final = DOCS / "pictures"
REPORT: Final = DOCS.parent / ".build" / "contract" / "index.html"
_COLUMNS: Final = 84
_CREATE: Final = (
    "character-performance --character https://example.com/face.png "
    "--reference https://example.com/clip.mp4 --output out"
)
_BATCH: Final = (
    "batch run heroes.csv --output out --operation image-to-video --set model=gen4_turbo "
    "--prices prices.toml --max-cost 20 --report report.html"
)


def main() -> None:
    """Draw every picture whose source is there."""
    PICTURES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        os.chdir(name)
        _draw_create()
        _draw_batch()
        _draw_simulator()
    if REPORT.exists():
        _draw_page(REPORT.as_uri(), "contract-report.png", 1000, 760)


def _draw_create() -> None:
    with SimulatorServer(clock=SimClock.scaled(4), seed=4) as server:
        lines = _run(_CREATE, server, until=None)
    _draw_terminal(f"$ cometapi-runway {_CREATE}", lines, "terminal.png")


def _draw_batch() -> None:
    rows = [f"shot-{n},Shot {n},https://example.com/{n}.png" for n in range(1, 61)]
    Path("heroes.csv").write_text("\n".join(["id,prompt_text,prompt_image", *rows]), "utf-8")
    Path("prices.toml").write_text("[prices]\nimage_to_video = 0.25\n", "utf-8")
    outcomes = [
        Outcome(failed("SAFETY.INPUT.TEXT"), When("image_to_video", every=13)),
        Outcome(failed("INTERNAL.BAD_OUTPUT.CODE01"), When("image_to_video", nth=9)),
    ]
    with SimulatorServer(clock=SimClock.scaled(4), seed=4, outcomes=outcomes) as server:
        server.gateway.faults.add(Fault("reset", acted=True, when=When("image_to_video", nth=20)))
        lines = _run(_BATCH, server, until="left,", seconds=12)
        shown = _BATCH.partition(" --prices")[0]
        _draw_terminal(f"$ cometapi-runway {shown} …", lines, "batch-terminal.png")
        server.gateway.clock.rate = 40
        _run(_BATCH, server, until=None)
    report = Path("report.html")
    report.write_text(report.read_text("utf-8").replace(str(Path.cwd()), "/home/me"), "utf-8")
    _draw_page(report.resolve().as_uri(), "batch-report.png", 1000, 760)


def _draw_simulator() -> None:
    with SimulatorServer(clock=SimClock.scaled(1), seed=4) as server:
        server.gateway.faults.add(Fault("html", status=502, when=When("tasks", every=3)))
        client = RunwayClient("any", base_url=server.base_url)
        for name in ("fox", "owl", "hare"):
            client.video_upscale.create(video_uri=f"https://example.com/{name}.mp4")
        server.gateway.fail_next("SAFETY.INPUT.TEXT", "*")
        client.text_to_image.create(
            prompt_text="A fox", reference_images=["https://example.com/fox.png"]
        )
        server.gateway.clock.advance(6)
        list(client.tasks.as_completed(list(server.gateway.tasks)[:2], timeout=2))
        _draw_page(server.status_url, "simulator.png", 1000, 700)


def _run(
    arguments: str, server: SimulatorServer, *, until: str | None, seconds: float = 60
) -> list[str]:
    """Run a command on a terminal; return the screen at its end, or at a moment."""
    process, terminal = pty.fork()
    if process == 0:
        os.environ.update(
            COLUMNS=str(_COLUMNS),
            LINES="40",
            TERM="xterm-256color",
            COMETAPI_KEY="a-key",
            COMETAPI_RUNWAY_BASE_URL=server.base_url,
            COMETAPI_RUNWAY_JOURNAL=f"{Path.cwd()}/journal.sqlite3",
            COMETAPI_RUNWAY_CONFIG=f"{Path.cwd()}/config.toml",
        )
        os.execv(sys.executable, [sys.executable, "-m", "cometapi_runway", *arguments.split()])
    output = b""
    stop = time.monotonic() + seconds
    snapshot: list[str] = []
    while True:
        try:
            output += os.read(terminal, 65536)
        except OSError:
            break
        screen = _render(output.decode("utf-8", "replace"))
        if until is None or any(until in line for line in screen):
            snapshot = screen
        if until is not None and time.monotonic() > stop:
            os.kill(process, 9)
            break
    os.waitpid(process, 0)
    text = "\n".join(snapshot).replace(server.base_url, "https://api.cometapi.com")
    return text.splitlines()


def _render(output: str) -> list[str]:
    """The lines of a screen after a program has moved its cursor up and erased."""
    lines, row = [""], 0
    for part in re.findall(r"\x1b\[[?\d;]*[A-Za-z]|\r|\n|[^\x1b\r\n]+", output):
        if part == "\n":
            row += 1
            lines += [""] * (row - len(lines) + 1)
        elif match := re.fullmatch(r"\x1b\[(\d*)A", part):
            row = max(row - int(match[1] or 1), 0)
        elif part in {"\r", "\x1b[2K", "\x1b[K"}:
            lines[row] = "" if part != "\r" else lines[row]
        elif not part.startswith("\x1b[") or part.endswith("m"):
            lines[row] += part
    return lines


def _draw_terminal(command: str, lines: Sequence[str], name: str) -> None:
    console = Console(record=True, width=_COLUMNS, file=StringIO(), color_system="truecolor")
    console.print(Text(command), soft_wrap=False)
    for line in lines:
        console.print(Text.from_ansi(line))
    svg = console.export_svg(title="", theme=MONOKAI)
    # The fonts of a terminal, instead of ones from the network.
    svg = re.sub(r"@font-face \{.*?\}", "", svg, flags=re.DOTALL)
    svg = svg.replace("Fira Code", "DejaVu Sans Mono")
    ((width, height),) = re.findall(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', svg)
    page = Path("terminal.html")
    page.write_text(f"<style>body{{margin:0}}svg{{width:{width}px}}</style>{svg}", "utf-8")
    _draw_page(page.resolve().as_uri(), name, int(float(width)), int(float(height)))


def _draw_page(url: str, name: str, width: int, height: int) -> None:
    """Take a picture of a page, with few colours."""
    target = PICTURES / name
    subprocess.run(
        [
            "chromium", "--headless", "--no-sandbox", "--hide-scrollbars", "--disable-gpu",
            f"--window-size={width},{height}", "--virtual-time-budget=2000",
            f"--screenshot={target}", url,
        ],
        check=True,
        capture_output=True,
        timeout=90,
    )  # fmt: skip
    with Image.open(target) as picture:
        picture.convert("RGB").quantize(64).save(target, optimize=True)


if __name__ == "__main__":
    main()
