// Our own text in AUTOMATIC1111's format, with all that its web UI needs: it is read as the request
// that it is of, and its LoRAs are those that were chosen.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { FIELDS } from "../../../web/engine/fields.js";
import { requestOf } from "../../../web/files/request.js";
import { DEFAULTS, fieldName, isOfStartImage } from "../../../web/request/defaults.js";
import { requestOf as requestIn } from "../../../web/request/fields.js";

/** @type {{ cases: { text: string, request: Record<string, unknown> }[] }} */
const { cases } = JSON.parse(
  await readFile(join(import.meta.dirname, "../../golden/web_ui.json"), "utf8"),
);

/** @param {string} text */
function read(text) {
  const found = requestOf(new Map([["parameters", text]]));
  assert.ok(found && typeof found === "object", text);
  assert.deepEqual([found.program, found.madeWith, found.offers], ["AUTOMATIC1111", [], []], text);
  return found;
}

/** @param {string} text @param {string} name */
const field = (text, name) => read(text).fields.find(([other]) => other === name)?.[1];

test("every text is read as its request", () => {
  assert.ok(cases.length >= 200);
  const plain = Object.fromEntries([...FIELDS].map(([name, one]) => [name, one.default]));
  for (const { text, request } of cases) {
    const { fields } = read(text);
    const named = fields.map(([name, value]) => [fieldName(name), value]);
    const form = { ...Object.fromEntries(DEFAULTS), ...Object.fromEntries(named) };
    const { request: made } = requestIn(form);
    const wanted = { ...plain, ...request };
    const said = new Set(fields.filter(([, value]) => value).map(([name]) => name));
    for (const name of FIELDS.keys()) {
      // Without a start image the form has others of its own for the next one.
      const isUnsaid = isOfStartImage(name) && !said.has(name);
      const value = isUnsaid ? plain[name] : /** @type {any} */ (made)[name];
      if (name !== "count") assert.deepEqual(value, wanted[name], `${name} of\n${text}`);
    }
  }
});

test("LoRAs that were chosen are no part of the prompt", () => {
  const tagged = cases.filter(({ text }) => text.includes("Added LoRA tags"));
  assert.ok(tagged.length > 50);
  for (const { text } of tagged) {
    const isTwo = text.includes("Added LoRA tags: 2");
    const own = "style#5a5a5a5a5a5a:0.75";
    assert.equal(field(text, "loras"), isTwo ? `${own}, hands#5a5a5a5a5a5a:0.5:1` : own, text);
    assert.doesNotMatch(field(text, "prompt") ?? "", /style|hands/);
  }
});

test("only so many tags are taken off, and only at the end", () => {
  const prompt = (/** @type {string} */ before, /** @type {string} */ count) =>
    field(`${before}\nSteps: 1, Seed: 1, Safety checker: off, Added LoRA tags: ${count}`, "prompt");
  const text = "a <lora:x:1> b <lora:y:1> <lora:z:1>";
  assert.equal(prompt(text, "0"), text);
  assert.equal(prompt(text, "1"), "a <lora:x:1> b <lora:y:1>");
  assert.equal(prompt(text, "9"), "a <lora:x:1> b");
  assert.equal(prompt("a <lora:x:1> b>", "1"), "a <lora:x:1> b>");
  assert.equal(prompt(text, "many"), text);
  // Another program's are its own.
  const others = `${text}\nSteps: 1, Seed: 1, Sampler: Euler, Added LoRA tags: 2`;
  assert.equal(field(others, "prompt"), text);
});
