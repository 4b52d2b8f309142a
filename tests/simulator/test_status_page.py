"""The script of the status page, run in node with a minimal document."""

from __future__ import annotations

import json
import re
import shutil
import subprocess

import pytest

from cometapi_runway.simulator import Control, Fault, Gateway, Outcome, When, failed

from .helpers import create, make_gateway

NODE = shutil.which("node")
pytestmark = pytest.mark.skipif(NODE is None, reason="node, which runs the page, is not installed")

DOCUMENT = """
class Element {
  constructor(name) { this.name = name; this.children = []; }
  append(...more) { this.children.push(...more); }
  replaceChildren(...more) { this.children = more; }
  focus() { document.activeElement = this; }
  get words() {
    return [this.textContent ?? "", ...this.children.map((one) => one.words)].join(" ");
  }
  find(id) {
    return this.id === id ? this : this.children.map((one) => one.find(id)).find((one) => one);
  }
}
const places = {};
globalThis.document = {
  createElement: (name) => new Element(name),
  getElementById: (id) =>
    Object.values(places).map((one) => one.find(id)).find((one) => one) ??
    (PLACES.includes(id) ? (places[id] ??= new Element("div")) : null),
  querySelectorAll: () => [],
  getSelection: () => "",
};
const asked = [];
let turn = 0;
globalThis.fetch = async (path, options) => {
  asked.push(`${options?.method ?? "GET"} ${path}`);
  return { ok: true, text: async () => JSON.stringify(STATES[Math.min(turn, STATES.length - 1)]) };
};
globalThis.setTimeout = () => {};
"""
STEPS = """
setImmediate(async () => {
  const button = document.getElementById("cancel-" + STATES[0].tasks[0].id);
  button.focus();
  turn = 1;
  await refresh();
  const now = document.activeElement;
  await byId("remove-rules").onclick();
  const words = Object.fromEntries(Object.entries(places).map(([id, one]) => [id, one.words]));
  console.log(JSON.stringify({ words, asked, kept: now !== button && now.id === button.id }));
});
"""


def snapshot(target: Gateway) -> object:
    return json.loads(Control(target).handle("GET", "/_simulator/state").body)


@pytest.fixture(scope="module")
def page() -> dict[str, object]:
    """What the page shows of a gateway in two states, and its requests in between."""
    target = make_gateway(
        outcomes=[Outcome(failed("INTERNAL"), When("video_upscale", nth=2))],
        faults=[Fault("rate_limit", headers=(("X-Why", "test"),), when=When("feed", every=3))],
    )
    create(target)
    states = [snapshot(target)]
    target.clock.advance(5)
    states.append(snapshot(target))
    text = Control(target).handle("GET", "/_simulator/").body.decode()
    program = re.search(r"<script>(.*)</script>", text, re.DOTALL)
    assert program is not None
    ids = re.findall(r' id="([a-z-]+)"', text)
    facts = f"const PLACES = {json.dumps(ids)}, STATES = {json.dumps(states)};"
    source = "\n".join((facts, DOCUMENT, program[1].replace('"use strict";', ""), STEPS))
    done = subprocess.run(
        [str(NODE), "-"], input=source, capture_output=True, text=True, timeout=30, check=False
    )
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def test_tasks_requests_and_charges_are_shown(page: dict[str, dict[str, str]]) -> None:
    words = page["words"]
    assert "RUNNING" in words["tasks"]
    assert "character_performance" in words["tasks"]
    assert "POST /runwayml/v1/character_performance" in words["requests"]
    assert "$0.50" in words["charges"]


def test_every_rule_is_shown_and_can_be_removed(page: dict[str, dict[str, str]]) -> None:
    rules = page["words"]["rules"]
    assert re.search(r"rate_limit +feed", rules)
    assert 'headers {"X-Why":"test"}, every 3' in rules
    assert re.search(r"end FAILED +video_upscale +code INTERNAL, nth 2", rules)
    assert {"DELETE faults", "DELETE outcomes"} <= set(page["asked"])


def test_rendering_keeps_the_keyboard_focus(page: dict[str, object]) -> None:
    assert page["kept"] is True
