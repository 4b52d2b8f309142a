"""The site: HTML by Sphinx, a Markdown twin of each page, ``llms.txt``, and a check of links."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator, Mapping
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

from attrs import define, field

from docs.site_builder.pages import DOCS, Page, read_pages, sections

_DIRECTIVE = re.compile(r"^(`{3,}|:{3,})\{toctree\}.*?^\1\n?", re.MULTILINE | re.DOTALL)
_CONTAINER = re.compile(r"^:{3,}.*\n?", re.MULTILINE)
_ROLE = re.compile(r"\{[a-z:]+\}`~?([^`]+)`")
_LINK = re.compile(r"\]\((?!https?:)([^)#\s]+)\.md")
_SUMMARY = (
    "A Python client and command line for Runway's video and image models behind the CometAPI "
    "gateway: requests are checked before they are sent, a paid request is never sent twice, and "
    "a paid task is never lost."
)


def build_site(folder: Path) -> list[str]:
    """Build the site into a folder; a warning of Sphinx is an error.

    Returns:
        What is wrong, one line each; empty if nothing is.
    """
    # Imported late: what tests use needs no Sphinx.
    from sphinx.cmd.build import build_main  # noqa: PLC0415

    folder = folder.resolve()
    shutil.rmtree(folder, ignore_errors=True)
    source, html = folder / "source", folder / "html"
    pages = read_pages()
    _write_source(pages, source)
    options = ["--fail-on-warning", "--keep-going", "--quiet", "--conf-dir", str(DOCS)]
    options += ["--doctree-dir", str(folder / "doctrees"), str(source)]
    if build_main(["--builder", "html", *options, str(html)]):
        return ["Sphinx reports the warnings above"]
    # The text of what autodoc writes; all other pages are Markdown already.
    if build_main(["--builder", "text", *options, str(folder / "text")]):
        return ["Sphinx reports the warnings above"]
    for page in pages.values():
        twin = html / f"{page.name}.md"
        markdown = to_markdown(page.shown)
        if "{eval-rst}" in page.text:
            markdown = (folder / "text" / f"{page.name}.txt").read_text("utf-8")
        twin.write_text(markdown, "utf-8")
    (html / "llms.txt").write_text(write_llms_txt(pages), "utf-8")
    return sorted(find_dead_links(html))


def to_markdown(text: str) -> str:
    """Return a page without what only Sphinx understands."""
    text = _CONTAINER.sub("", _DIRECTIVE.sub("", text))
    text = _ROLE.sub(lambda match: f"`{match[1].rpartition('.')[2]}`", text)
    return re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"


def write_llms_txt(pages: Mapping[str, Page]) -> str:
    """Return the index of the Markdown twins, in the format of llmstxt.org."""
    lines = ["# cometapi-runway", "", f"> {_SUMMARY}"]
    for title, names in sections(pages).items():
        lines += ["", f"## {title}", ""]
        for name in names:
            lines.append(_write_entry(pages[name]))
            if name == "operations":
                lines += [_write_entry(page) for page in pages.values() if page.is_operation]
    return "\n".join(lines) + "\n"


def _write_entry(page: Page) -> str:
    return f"- [{page.title}]({page.name}.md): {to_markdown(page.summary).strip()}"


def find_dead_links(html: Path) -> Iterator[str]:
    """Yield each link to a file or an anchor of the site that does not exist."""
    files = {path: _read_links(path) for path in html.rglob("*.html")}
    for path, found in files.items():
        for link in found.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            if not target.exists():
                yield f"{path.relative_to(html)}: no file {link}"
            elif parts.fragment and unquote(parts.fragment) not in files[target].anchors:
                yield f"{path.relative_to(html)}: no anchor {link}"
    for path in html.rglob("*.md"):
        for name in _LINK.findall(path.read_text("utf-8")):
            if not (path.parent / f"{name}.md").exists():
                yield f"{path.relative_to(html)}: no file {name}.md"


@define
class _Links(HTMLParser):
    """The links and anchors of one page."""

    links: list[str] = field(factory=list)
    anchors: set[str] = field(factory=lambda: {""})

    def __attrs_pre_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        values = dict(attributes)
        self.links += [values[name] or "" for name in ("href", "src") if name in values]
        self.anchors |= {value for name in ("id", "name") if (value := values.get(name))}


def _read_links(path: Path) -> _Links:
    found = _Links()
    found.feed(path.read_text("utf-8"))
    return found


def _write_source(pages: Mapping[str, Page], folder: Path) -> None:
    for page in pages.values():
        path = folder / f"{page.name}.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        # Pygments has no lexer for it.
        path.write_text(page.shown.replace("```csv", "```text"), "utf-8")
    shutil.copytree(DOCS / "pictures", folder / "pictures")
