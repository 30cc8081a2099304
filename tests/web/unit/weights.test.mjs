// Weights in prompts by keys: which text becomes which.

import assert from "node:assert/strict";
import test from "node:test";
import { hasWeights, weigh } from "../../../web/prompt/weights.js";

/**
 * The text after a press, with the selection in «».
 * @param {string} marked text with the selection in «», or a caret ‸
 * @param {number} by
 */
function press(marked, by) {
  const [start, end] = marked.includes("‸")
    ? [marked.indexOf("‸"), marked.indexOf("‸")]
    : [marked.indexOf("«"), marked.indexOf("»") - 1];
  const text = marked.replace(/[«»‸]/g, "");
  const change = weigh(text, start, end, by);
  if (!change) return null;
  const after = text.slice(0, change.from) + change.text + text.slice(change.to);
  const [from, to] = change.selected;
  return from === to
    ? `${after.slice(0, from)}‸${after.slice(from)}`
    : `${after.slice(0, from)}«${after.slice(from, to)}»${after.slice(to)}`;
}

test("a word or what is selected gets a weight, and loses it again at 1", () => {
  assert.equal(press("a r‸ed cat", 1), "a («red»:1.1) cat");
  assert.equal(press("a red‸ cat", -1), "a («red»:0.9) cat");
  assert.equal(press("a («red»:1.1) cat", 1), "a («red»:1.2) cat");
  assert.equal(press("a («red»:1.2) cat", -1), "a («red»:1.1) cat");
  assert.equal(press("a («red»:1.1) cat", -1), "a «red» cat");
  assert.equal(press("a («red»:0.9) cat", 1), "a «red» cat");
  assert.equal(press("«a red» cat", 1), "(«a red»:1.1) cat");
  // Spaces and commas at the ends stay outside.
  assert.equal(press("a«, red cat, »big", 1), "a, («red cat»:1.1), big");
  assert.equal(press("猫‸ と", 1), "(«猫»:1.1) と");
  assert.equal(press("a , ‸ b", 1), null);
  assert.equal(press("‸", 1), null);
});

test("brackets around the caret are changed as a whole, the inner ones first", () => {
  assert.equal(press("(a red ca‸t:1.3), dog", 1), "(«a red cat»:1.4), dog");
  assert.equal(press("«(a red cat:1.3)», dog", -1), "(«a red cat»:1.2), dog");
  assert.equal(press("(a (r‸ed:1.2) cat:1.3)", 1), "(a («red»:1.3) cat:1.3)");
  // A part of them gets a weight of its own.
  assert.equal(press("(a «red» cat:1.3)", 1), "(a («red»:1.1) cat:1.3)");
  // Without a number they stand for 1.1.
  assert.equal(press("(r‸ed) cat", 1), "(«red»:1.2) cat");
  assert.equal(press("(r‸ed) cat", -1), "«red» cat");
  // With a backslash they are letters.
  assert.equal(press("fish \\(anim‸al\\)", 1), "fish \\((«animal»:1.1)\\)");
  assert.equal(press("(r‸ed:0.05)", -1), "(«red»:0)");
});

test("the weight of a LoRA's tag is changed, also below nothing", () => {
  assert.equal(press("a cat <lora:my st‸yle:0.8>", 1), "a cat <lora:my st‸yle:0.9>");
  assert.equal(press("<lora:s‸:0:0.5>, a", -1), "<lora:s‸:-0.1:0.5>, a");
});

test("what has weights is told from what has not", () => {
  for (const text of ["(red:1.2)", "a (red cat: .5 )", "a <lora:style:0.8>"])
    assert.ok(hasWeights(text), text);
  for (const text of ["(red)", "ratio 16:9", "[red:0.5]"]) assert.ok(!hasWeights(text), text);
});

test("several groups that are selected get a weight of their own", () => {
  assert.equal(press("«(a:1.2), (b:1.3)»", 1), "(«(a:1.2), (b:1.3)»:1.1)");
  assert.equal(press("«(a) and (b)»", -1), "(«(a) and (b)»:0.9)");
  assert.equal(press("«((a) and (b):1.2)»", 1), "(«(a) and (b)»:1.3)");
});
