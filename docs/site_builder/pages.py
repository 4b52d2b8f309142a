"""Every page of the site as Markdown, with the generated parts filled in.

A page says where a generated part belongs::

    ```{generated} fault_kinds
    ```
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from itertools import starmap
from pathlib import Path
from typing import Final

from attrs import evolve, frozen

from docs.site_builder import tables
from docs.site_builder.commands import command_reference
from docs.site_builder.operations import list_operation_pages, operation_pages, operations_overview

DOCS: Final = Path(__file__).parents[1]

NAVIGATION: Final[Mapping[str, tuple[str, ...]]] = {
    "Start": ("quickstart", "operations", "settings", "connections"),
    "Use it": (
        "waiting",
        "errors",
        "paying-once",
        "batches",
        "command-line",
        "callbacks",
        "agents",
        "real-gateway",
    ),
    "Test and watch": ("testing", "simulator", "logging-and-telemetry", "performance"),
    "Look up": (
        "commands",
        "api/client",
        "api/errors",
        "api/journal",
        "api/batch",
        "api/testing",
        "api/validation",
    ),
    "The project": ("contract", "architecture", "contributing", "releasing", "changelog"),
}
"""The pages of each section, in order. A page that does not exist is left out; one that is not
listed belongs to the last section."""

_GENERATED: Final[Mapping[str, Callable[[], str]]] = {
    "command_reference": command_reference,
    "error_attributes": tables.error_attributes,
    "error_tree": tables.error_tree,
    "exit_codes": tables.exit_codes,
    "failure_codes": tables.failure_code_table,
    "fault_fields": tables.fault_fields,
    "fault_kinds": tables.fault_kinds,
    "fault_methods": tables.fault_methods,
    "operations": operations_overview,
    "simulated_failures": tables.simulated_failures,
    "simulator_settings": tables.simulator_settings,
    "timings": tables.timings,
    "when_fields": tables.when_fields,
}
_BLOCK: Final = re.compile(r"^```\{generated\} (\w+)\n```$", re.MULTILINE)
_FENCED: Final = re.compile(r"^(`{3,}).*?^\1$", re.MULTILINE | re.DOTALL)
# What tests run and readers do not see.
_HIDDEN: Final = re.compile(
    r"^<!-- (?:run\n.*?|file: \S+ |captured )-->\n", re.MULTILINE | re.DOTALL
)


@frozen
class Page:
    """One page.

    Attributes:
        name: Its name in the site, such as ``operations/text-to-image``.
        source: The file that a person edits, relative to the root; empty if it is generated.
        text: Its Markdown, with comments for tests.
    """

    name: str
    source: str
    text: str

    @property
    def title(self) -> str:
        """The first heading."""
        return self.text.partition("\n")[0].lstrip("# ")

    @property
    def summary(self) -> str:
        """The first paragraph of text."""
        paragraphs = _FENCED.sub("", self.shown).split("\n\n")[1:]
        text = next((each for each in paragraphs if re.match(r"\s*[\w`*]", each)), "")
        return " ".join(text.split())

    @property
    def is_operation(self) -> bool:
        """Whether it is about one operation, below their overview."""
        return self.name.startswith("operations/")

    @property
    def shown(self) -> str:
        """Its Markdown as readers see it."""
        return _HIDDEN.sub("", self.text)


def list_pages() -> list[str]:
    """Return the name of every page, without writing any."""
    return [
        *list_operation_pages(),
        *(path.relative_to(DOCS).with_suffix("").as_posix() for path in DOCS.rglob("*.md")),
        "changelog",
    ]


def read_pages() -> dict[str, Page]:
    """Read every page, by its name."""
    pages = {name: Page(name, "", text) for name, text in operation_pages().items()}
    for path in sorted(DOCS.rglob("*.md")):
        name = path.relative_to(DOCS).with_suffix("").as_posix()
        source = path.relative_to(DOCS.parent).as_posix()
        pages[name] = Page(name, source, fill_in(path.read_text("utf-8")))
    changes = (DOCS.parent / "CHANGELOG.md").read_text("utf-8")
    pages["changelog"] = Page("changelog", "CHANGELOG.md", changes)
    groups = {title: names for title, names in sections(pages).items() if names}
    pages["index"] = _append(pages["index"], *starmap(_toctree, groups.items()))
    operations = [page.name for page in pages.values() if page.is_operation]
    pages["operations"] = _append(pages["operations"], _toctree("", operations))
    return pages


def fill_in(text: str) -> str:
    """Return a page's text with its generated parts.

    Raises:
        KeyError: There is no generated part of that name.
    """
    return _BLOCK.sub(lambda match: _GENERATED[match[1]](), text)


def sections(pages: Mapping[str, Page]) -> dict[str, list[str]]:
    """Return the names of the pages of each section, operations below their overview."""
    listed = {name for names in NAVIGATION.values() for name in names}
    found = {
        title: [name for name in names if name in pages] for title, names in NAVIGATION.items()
    }
    listed.add("index")
    found["The project"] += [
        name for name, page in pages.items() if name not in listed and not page.is_operation
    ]
    return found


def _append(page: Page, *parts: str) -> Page:
    return evolve(page, text="\n\n".join((page.text, *parts)) + "\n")


def _toctree(caption: str, names: Sequence[str]) -> str:
    options = f":hidden:\n:caption: {caption}\n" if caption else ":hidden:\n"
    return "```{toctree}\n" + options + "\n" + "\n".join(names) + "\n```"
