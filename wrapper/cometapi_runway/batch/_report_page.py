"""The report of a batch as one HTML page: no script, and nothing from the network."""

from __future__ import annotations

import base64
import functools
import hashlib
import os
import tempfile
from contextlib import suppress
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Final

from cometapi_runway._core.naming import count_noun
from cometapi_runway._extras import requires_extra
from cometapi_runway.batch._report import (
    ReportSource,
    count_statuses,
    format_cost,
    group_failures,
    list_files,
    make_bar,
    measure_times,
    sum_spending,
)

if TYPE_CHECKING:
    from jinja2 import Environment, Template, Undefined

MAX_SHOWN_FILES: Final = 400
"""Files with a picture on the page; the others are links. A browser opens every video."""
MAX_SHOWN_ROWS: Final = 12
"""Rows of a failure that are shown at once; the others are folded."""
_MEANINGS: Final = {
    "SUCCEEDED": "succeeded",
    "FAILED": "failed",
    "CANCELLED": "cancelled",
    "REFUSED": "refused",
    "BUDGET": "over budget",
    "UNKNOWN": "unknown outcome",
}


def write_report(source: ReportSource, page: Path) -> None:
    """Write the page; a page that is there is replaced as a whole.

    Raises:
        MissingExtraError: The extra ``batch`` is not installed.
        OSError: The disk write fails.
    """
    content = render_page(source, page, datetime.now(UTC))
    page.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=page.parent, prefix=f".{page.stem[:40]}-")
    temporary = Path(name)
    try:
        # A folder's name may hold bytes that are not text.
        with os.fdopen(descriptor, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.write(content)
        # Temporary files are readable by their owner only; a report is to be shown.
        temporary.chmod(0o666 & ~_get_umask())
        temporary.replace(page)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise


def render_page(source: ReportSource, page: Path, now: datetime) -> str:
    """Render the page.

    Args:
        source: The batch.
        page: Where the page will be; its links start there.
        now: When it is made.

    Raises:
        MissingExtraError: The extra ``batch`` is not installed.
    """
    # Late: the libraries of an extra.
    with requires_extra("batch", setting="batch"):
        from jinja2 import Environment, StrictUndefined  # noqa: PLC0415
        from markupsafe import Markup  # noqa: PLC0415
    template = _compile_template(Environment, StrictUndefined)
    results = source.results
    counts = count_statuses(results)
    files = list_files(results, source.folder, page)
    css = _read_text("report.css")
    return template.render(
        count=count_noun,
        duration=format_seconds,
        time=_format_time,
        usd=format_cost,
        source=source,
        now=now,
        css=Markup(css),  # noqa: S704 - the style sheet is part of this package
        style_hash=_hash_style(css),
        counts=counts,
        meanings=_MEANINGS,
        # Rows may be added, and end, after they were counted.
        waiting=max(source.row_count - len(results), 0),
        bar=make_bar(counts, source.row_count),
        unknown=[one for one in results if one.status == "UNKNOWN"],
        failures=group_failures(results),
        shown_files=files[:MAX_SHOWN_FILES],
        other_files=files[MAX_SHOWN_FILES:],
        max_shown_rows=MAX_SHOWN_ROWS,
        spending=sum_spending(results),
        timing=measure_times(results),
    )


@functools.cache
def _compile_template(kind: type[Environment], undefined: type[Undefined]) -> Template:
    """Compile it once: this takes longer than everything else that makes a page."""
    environment = kind(autoescape=True, undefined=undefined, trim_blocks=True)
    return environment.from_string(_read_text("report.html.jinja"))


def format_seconds(seconds: float) -> str:
    """``4.2 s``, ``1 min 12 s`` or ``2 h 05 min``."""
    if seconds < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes_of_hour = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes_of_hour:02} min"
    return f"{minutes} min {rest} s"


def _format_time(time: datetime) -> str:
    return f"{time.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def _read_text(name: str) -> str:
    return resources.files("cometapi_runway.batch").joinpath(name).read_text("utf-8")


def _hash_style(css: str) -> str:
    """The only style sheet that the page's own policy allows."""
    return base64.b64encode(hashlib.sha256(css.encode()).digest()).decode()


def _get_umask() -> int:
    umask = os.umask(0o077)
    os.umask(umask)
    return umask
