"""The report of a comparison as Markdown, as an HTML page and as JSON."""

from __future__ import annotations

import copy
import html
import json
import re
from typing import TYPE_CHECKING

import pytest

from contract_tools.diff import report
from contract_tools.diff.changes import COMPATIBLE as COMPATIBLE_JUDGEMENT
from contract_tools.diff.changes import Change, Effect, Judgement
from contract_tools.diff.compare import compare
from contract_tools.diff.judge import judge
from contract_tools.diff.spec_diff import Comparison

from .test_compare import BASE, COMPATIBLE, field, schema

if TYPE_CHECKING:
    pass


@pytest.fixture
def comparison() -> Comparison:
    changed = copy.deepcopy(BASE)
    field(changed, "strength").update(maximum=3)
    COMPATIBLE["a server was added"][0](changed)
    schema(changed)["properties"]["<b>"] = {"type": "string"}
    return Comparison("v1", tuple(compare(BASE, changed, judge)))


def test_the_markdown_names_verdict_place_and_witness(comparison: Comparison) -> None:
    text = "\n".join(report.as_markdown(comparison))
    assert "3 changes since v1: 1 breaking, 0 undecided, 2 compatible." in text
    assert "- **breaking** body /strength: maximum changed from 5 to 3" in text
    witness = re.search(r"for example `(.+)`", text)
    assert witness
    assert json.loads(witness[1])["strength"] in {4, 5}


def test_the_page_shows_the_same_and_escapes_it(comparison: Comparison) -> None:
    page = report.as_html(comparison)
    assert page.startswith("<!doctype html><html lang=en><meta charset=utf-8>\n")
    assert "maximum changed from 5 to 3" in page
    assert "/&lt;b&gt;" in page
    assert "<b>: " not in page
    assert "prefers-color-scheme: dark" in page
    assert "<script" not in page


def test_the_page_shows_each_witness(comparison: Comparison) -> None:
    page = report.as_html(comparison)
    shown = [json.loads(html.unescape(one)) for one in re.findall("<pre>(.*?)</pre>", page)]
    witnesses = [one for change in comparison.changes for one in change.judgement.witness]
    assert witnesses
    assert shown == witnesses


def test_the_page_fits_a_telephone(comparison: Comparison) -> None:
    """Names and values are longer than 390 pixels, and must wrap wherever they stand."""
    page = report.as_html(comparison)
    assert '<meta name=viewport content="width=device-width' in page
    (body,) = re.findall(r"^body \{([^}]*)\}", page, re.MULTILINE)
    assert "overflow-wrap: anywhere" in body
    (pre,) = re.findall(r"^pre \{([^}]*)\}", page, re.MULTILINE)
    assert "white-space: pre-wrap" in pre
    assert not re.search(r"nowrap|(?<!max-)width: \d|<table", page)


def test_the_json_holds_every_change(comparison: Comparison) -> None:
    data = report.as_json(comparison)
    assert (data["breaking"], data["compatible"], len(data["changes"])) == (1, 2, 3)
    (one,) = [change for change in data["changes"] if change["verdict"] == "breaking"]
    assert one["place"] == "/strength"
    assert one["operation"] == "make_a_still"
    assert one["witness"][0]["strength"] in {4, 5}


def test_no_change_is_reported_as_none() -> None:
    same = Comparison("v1", tuple(compare(BASE, BASE, judge)))
    assert "Nothing that matters has changed since v1." in report.as_markdown(same)


def test_every_part_of_a_report_is_written_and_escaped() -> None:
    effects = (
        Effect("client.<i>", "is <gone>", breaking=True),
        Effect("b", "is new", breaking=False),
    )
    changes = (
        Change("", "server", "", "<a> is new", COMPATIBLE_JUDGEMENT),
        Change(
            "op<1>", "body", "/x<y>", "<what>", Judgement("breaking", "why <so>", ["<w>"]), effects
        ),
        Change("op<1>", "", "", "moved", Judgement("undecided")),
    )
    comparison = Comparison("v<1>", changes, "a <note>", "digest")
    line = "3 changes since v<1>: 1 breaking, 1 undecided, 1 compatible."
    text = [
        "# What changed in the contract", "", line, "", "Note: a <note>", "", "## The document", "",
        "- **compatible** server: <a> is new", "", "## op<1>", "",
        "- **breaking** body /x<y>: <what>", "  - on the wire: why <so>", '  - for example `"<w>"`',
        "  - in Python: `client.<i>` is <gone> (breaking)", "  - in Python: `b` is new",
        "- **undecided** the operation: moved",
    ]  # fmt: skip
    assert report.as_markdown(comparison) == text

    page = report.as_html(comparison)
    _, body = page.split("</style>\n")
    first, *rest = (html.escape(one) for one in ("v<1>", "a <note>", "<a> is new", "op<1>"))
    assert body.splitlines() == [
        f"<h1>What changed in the contract</h1><p>{html.escape(line)}</p>",
        f"<p>Note: {rest[0]}</p>",
        "<h2>The document</h2>",
        "<article class=compatible><b class=compatible>compatible</b> <code>server</code> "
        f"{rest[1]}</article>",
        f"<h2>{rest[2]}</h2>",
        "<article class=breaking><b class=breaking>breaking</b> <code>body /x&lt;y&gt;</code> "
        "&lt;what&gt;<br>On the wire: why &lt;so&gt;.<pre>&quot;&lt;w&gt;&quot;</pre>"
        "<ul><li><code>client.&lt;i&gt;</code> is &lt;gone&gt; (breaking)"
        "<li><code>b</code> is new</ul></article>",
        "<article class=undecided><b class=undecided>undecided</b> <code>the operation</code> moved"
        "</article>",
        "</html>",
    ]
    assert first in body

    counts = {"breaking": 1, "undecided": 1, "compatible": 1}
    known = {"base": "v<1>", "headline": line, "note": "a <note>", "digest": "digest", **counts}
    data = report.as_json(comparison)
    assert {**data, "changes": None} == {**known, "changes": None}
    assert data["changes"][1] == {
        "operation": "op<1>", "part": "body", "place": "/x<y>", "what": "<what>",
        "verdict": "breaking", "wire": "breaking", "reason": "why <so>", "witness": ["<w>"],
        "python": [
            {"name": "client.<i>", "what": "is <gone>", "breaking": True},
            {"name": "b", "what": "is new", "breaking": False},
        ],
    }  # fmt: skip
    alone = Comparison("v1", changes[:1])
    assert report.headline(alone) == "1 change since v1: 0 breaking, 0 undecided, 1 compatible."
    assert "Note" not in "".join([*report.as_markdown(alone), report.as_html(alone)])
