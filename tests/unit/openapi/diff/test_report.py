"""The report of a comparison as Markdown, as an HTML page and as JSON."""

from __future__ import annotations

import copy
import html
import json
import re
from typing import TYPE_CHECKING

import pytest

from contract_tools.diff import report
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
